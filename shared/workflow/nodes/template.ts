import { Type } from 'typebox'
import { nodeType } from './node-type.ts'
import { stateSchema, template } from './parts.ts'

/** Fills a text with values of the state. */
export const templateNode = nodeType({
  id: '019a0000-0000-7000-8000-000000000003',
  type_name: 'template',
  display_name: { zh: '文本模板', en: 'Text template' },
  description: { zh: '把前面节点的结果填进一段文字。', en: 'Fills a text with the results of earlier nodes.' },
  category: 'processing',
  ports: { in: 1, out: 'many' },
  input_schema: stateSchema,
  output_schema: Type.Object({ text: Type.String() }),
  config_schema: Type.Object({ template: template('template') }, { additionalProperties: false }),
  default_config: { template: '{{ input.text }}' },
  required_services: [],
  tags: ['text'],
})
