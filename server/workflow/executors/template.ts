import { templateNode } from '../../../shared/workflow/nodes/template.ts'
import { parseTemplate, renderTemplate } from '../../../shared/workflow/template.ts'
import type { Executor } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

export const template: Executor = {
  prepare(node) {
    const parsed = parseTemplate(preparedConfig(templateNode, node).template)
    return ({ state }) => ({ output: { text: renderTemplate(parsed, state) } })
  },
}
