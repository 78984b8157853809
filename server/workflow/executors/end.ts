import { endNode } from '../../../shared/workflow/nodes/end.ts'
import { parseTemplate, renderTemplate, textOf } from '../../../shared/workflow/template.ts'
import type { Executor } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

export const end: Executor = {
  prepare(node) {
    const { template } = preparedConfig(endNode, node)
    const parsed = template === undefined ? undefined : parseTemplate(template)
    return ({ state }) => {
      const before = node.parent === undefined ? undefined : state.nodes[node.parent]?.output
      return { output: { text: parsed ? renderTemplate(parsed, state) : textOf(before) } }
    }
  },
}
