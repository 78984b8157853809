import { Type } from 'typebox'
import { nodeType } from './node-type.ts'
import { stateSchema } from './parts.ts'

/**
 * Chooses a branch: the value of the first case whose CEL expression is true, else `default`. A conditional edge that
 * leaves it without a `condition_function` of its own maps this value.
 */
export const conditionNode = nodeType({
  id: '019a0000-0000-7000-8000-000000000004',
  type_name: 'condition',
  display_name: { zh: '条件', en: 'Condition' },
  description: { zh: '按条件选择接下来的分支。', en: 'Chooses the branch that comes next.' },
  category: 'control',
  ports: { in: 1, out: 'many' },
  input_schema: stateSchema,
  output_schema: Type.Object({ value: Type.String() }),
  config_schema: Type.Object(
    {
      cases: Type.Array(
        Type.Object(
          {
            /** CEL over the state, true or false. */
            when: Type.String({ title: 'when', minLength: 1, maxLength: 2048 }),
            value: Type.String({ title: 'value', minLength: 1, maxLength: 128 }),
          },
          { additionalProperties: false },
        ),
        { title: 'cases', maxItems: 50 },
      ),
    },
    { additionalProperties: false },
  ),
  default_config: { cases: [] },
  required_services: [],
  tags: ['branch'],
})
