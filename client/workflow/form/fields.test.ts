import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { fieldsOf } from './fields.ts'

const kinds = (schema: unknown) => Object.fromEntries(fieldsOf(schema).map((field) => [field.key, field.kind]))

it('knows what a node type may ask for', () => {
  const schema = Type.Object({
    name: Type.String({ maxLength: 100 }),
    prompt: Type.String({ maxLength: 65536 }),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    count: Type.Integer(),
    strict: Type.Boolean(),
    method: Type.Union([Type.Literal('GET'), Type.Literal('POST')]),
    tools: Type.Array(Type.String()),
    headers: Type.Record(Type.String(), Type.String()),
    cases: Type.Array(Type.Object({ when: Type.String({ maxLength: 2048 }), value: Type.String() })),
    anything: Type.Unknown(),
  })
  expect(kinds(schema)).toEqual({
    name: 'text',
    prompt: 'multiline',
    temperature: 'number',
    count: 'integer',
    strict: 'boolean',
    method: 'choice',
    tools: 'list',
    headers: 'map',
    cases: 'rows',
    anything: 'json',
  })
  const fields = fieldsOf(schema)
  expect(fields.find((field) => field.key === 'temperature')).toMatchObject({ required: false, minimum: 0, maximum: 2 })
  expect(fields.find((field) => field.key === 'method')?.choices).toEqual(['GET', 'POST'])
})

it('takes a nullable value for an optional one', () => {
  expect(kinds({ type: 'object', properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } } })).toEqual({
    a: 'text',
  })
})

it('offers nothing for what is no object', () => {
  expect(fieldsOf(undefined)).toEqual([])
  expect(fieldsOf({ type: 'string' })).toEqual([])
})
