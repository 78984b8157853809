import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { column } from '../../../shared/kernel/column.ts'
import { plainSchema } from './plain-schema.ts'

it('leaves out how a column is stored, and nothing else', () => {
  const row = Type.Object({ pg: column.text(), nullable: column.nullable(column.int()), kind: Type.Literal('pg') })
  expect(plainSchema(row)).toEqual({
    type: 'object',
    required: ['pg', 'nullable', 'kind'],
    properties: {
      pg: { type: 'string' },
      nullable: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      kind: { type: 'string', const: 'pg' },
    },
  })
})

it('takes no schema for any value', () => {
  expect(plainSchema(undefined)).toEqual({})
  expect(plainSchema(Type.Unknown())).toEqual({})
})
