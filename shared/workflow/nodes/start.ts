import { Type } from 'typebox'
import { nodeType } from './node-type.ts'
import { stateSchema } from './parts.ts'

/** Where a run begins: hands on what the person wrote. */
export const startNode = nodeType({
  id: '019a0000-0000-7000-8000-000000000001',
  type_name: 'start',
  display_name: { zh: '开始', en: 'Start' },
  description: { zh: '运行的起点，输出用户的消息。', en: 'Where a run begins; outputs what the person wrote.' },
  category: 'io',
  ports: { in: 0, out: 'many' },
  input_schema: stateSchema,
  output_schema: Type.Object({ text: Type.String() }),
  config_schema: Type.Object({}, { additionalProperties: false }),
  default_config: {},
  required_services: [],
  tags: ['input'],
})
