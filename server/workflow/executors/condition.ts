import { operationalError, userError } from '../../../shared/kernel/errors.ts'
import { compileCondition } from '../../../shared/workflow/condition.ts'
import { conditionNode } from '../../../shared/workflow/nodes/condition.ts'
import type { Executor } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

export const condition: Executor = {
  prepare(node) {
    const cases = preparedConfig(conditionNode, node).cases.map(({ when, value }) => {
      const compiled = compileCondition(when)
      if ('issue' in compiled) throw userError('workflow/invalid', { node: node.name, detail: compiled.issue.message })
      return { when: compiled.condition, value }
    })
    return ({ state }) => {
      for (const { when, value } of cases) {
        const result = when.evaluate(state)
        // A condition that cannot be decided must not choose a branch in silence.
        if (!result.ok) throw operationalError('run/node-failed', { node: node.name, detail: result.message })
        if (result.value === true) return { output: { value } }
      }
      return { output: { value: 'default' } }
    }
  },
}
