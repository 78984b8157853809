import { endNode } from '../../../shared/workflow/nodes/end.ts'
import { parseTemplate, renderTemplate } from '../../../shared/workflow/template.ts'
import type { Executor } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

export const end: Executor = {
  prepare(node) {
    const { template } = preparedConfig(endNode, node)
    const parsed = template === undefined ? undefined : parseTemplate(template)
    // Without a template the answer is the text of the node before, which is kept there and need not be kept again.
    return ({ state }) => ({ output: parsed ? { text: renderTemplate(parsed, state) } : { from: node.parent } })
  },
}
