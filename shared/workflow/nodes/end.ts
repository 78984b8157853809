import { Type } from 'typebox'
import { nodeType } from './node-type.ts'
import { stateSchema, template } from './parts.ts'

/** Where a run ends: its text is the answer. Without a template it hands on the text of the node before it. */
export const endNode = nodeType({
  id: '019a0000-0000-7000-8000-000000000005',
  type_name: 'end',
  display_name: { zh: '结束', en: 'End' },
  description: { zh: '运行的终点，它的文字就是回答。', en: 'Where a run ends; its text is the answer.' },
  category: 'io',
  ports: { in: 1, out: 0 },
  input_schema: stateSchema,
  /** `from`: the answer is that node's text. */
  output_schema: Type.Union([Type.Object({ text: Type.String() }), Type.Object({ from: Type.String() })]),
  config_schema: Type.Object({ template: Type.Optional(template('template')) }, { additionalProperties: false }),
  default_config: {},
  required_services: [],
  tags: ['output'],
})
