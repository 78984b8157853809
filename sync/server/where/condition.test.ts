import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TableColumn } from '../shape/table.ts'
import type { Condition, Operand } from './condition.ts'
import { conditionColumns, emitCondition } from './emit-condition.ts'
import { parseCondition } from './parse-condition.ts'
import { simpleEquality } from './simple-equality.ts'

const COLUMNS = ['id', 'owner', 'Odd "name"', 'and', "x'y", 'hidden', 'unsure']
const read = (text: string, params: Record<string, string> = {}): Condition =>
  parseCondition(text, params, new Set(COLUMNS))

const operand: fc.Arbitrary<Operand> = fc.oneof(
  fc.constantFrom(...COLUMNS).map((name): Operand => ({ op: 'column', name })),
  fc
    .string({ unit: 'grapheme' })
    .filter((text) => !text.includes('\0') && !text.includes('\\'))
    .map((text): Operand => ({ op: 'text', text })),
  fc.nat().map((value): Operand => ({ op: 'number', text: String(value) })),
  fc.boolean().map((value): Operand => ({ op: 'boolean', value })),
  fc.constant<Operand>({ op: 'null' }),
)
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      op: fc.constant('compare'),
      operator: fc.constantFrom('=', '<>', '<', '<=', '>', '>='),
      left: operand,
      right: operand,
    }),
    fc.record({
      op: fc.constant('in'),
      negated: fc.boolean(),
      operand,
      list: fc.array(operand, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('between'), negated: fc.boolean(), operand, low: operand, high: operand }),
    fc.record({ op: fc.constant('like'), negated: fc.boolean(), insensitive: fc.boolean(), operand, pattern: operand }),
    fc.record({ op: fc.constant('is-null'), negated: fc.boolean(), operand }),
    fc.record({ op: fc.constant('not'), arg: tie('condition') }),
    fc.record({ op: fc.constantFrom('and', 'or'), args: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }) }),
  ),
}))

describe('conditions', () => {
  it('mean the same after being written and read again', () => {
    fc.assert(
      fc.property(condition, (original) => {
        const text = emitCondition(original)
        expect(emitCondition(read(text.replaceAll('t."', '"')))).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    [
      "owner = 'a' or id > 3 and not id in (1, -2)",
      `((t."owner" = 'a') or ((t."id" > 3) and (not (t."id" in (1, (-2))))))`,
    ],
    ['ID = $1 AND Owner IS NOT NULL', `((t."id" = 'it''s') and (t."owner" is not null))`],
    [`"Odd ""name""" not ilike '100\\%'`, `(t."Odd ""name""" not ilike E'100\\\\%')`],
    ['id between 1 and 2 and owner <> null', `((t."id" between 1 and 2) and (t."owner" <> null))`],
  ])('are emitted quoted: %s', (source, expected) => {
    expect(emitCondition(read(source, { 1: "it's" }))).toBe(expected)
  })

  it.each([
    '',
    'id = 1; drop table users',
    'id = 1 -- x',
    'id = 1 /* x */',
    'pg_sleep(10) is null',
    'id = (select 1)',
    "owner = 'a' || 'b'",
    "owner = E'\\''",
    'owner = $$x$$',
    'id = 1 union select 2',
    'id::text = 1',
    "owner = U&'x'",
    "owner = 'open",
    'id = 1)',
    '(id = 1',
    'id in ()',
    'id = ',
    'nope = 1',
    'id = $2',
    '"id = 1',
    'id = 1e',
    'ctid is null',
    'current_user = owner',
    "owner = 'a' 'b'",
    'id = 1\0',
    't.id = 1',
    'id = --1',
    'not',
  ])('are refused when they hold anything else: %j', (source) => {
    expect(() => read(source)).toThrow(/^At location \d+: /)
  })

  it('keep hostile text inside a constant, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
        (text) => {
          const emitted = emitCondition(read('owner = $1', { 1: text }))
          const literal = emitted.slice('(t."owner" = '.length, -1)
          expect(literal).toMatch(text.includes('\\') ? /^E'(?:[^'\\]|''|\\\\)*'$/s : /^'(?:[^']|'')*'$/s)
        },
      ),
    )
  })

  it('are limited in depth and length', () => {
    expect(() => read(`${'('.repeat(100)}id = 1${')'.repeat(100)}`)).toThrow('nested too deeply')
    expect(() => read(`${'not '.repeat(100)} id = 1`)).toThrow('nested too deeply')
    expect(() => read(`owner = '${'x'.repeat(20_000)}'`)).toThrow('too long')
  })

  it('know their columns', () => {
    expect(conditionColumns(read(`owner = 'a' and (id in (1) or "and" like 'x') and not id is null`))).toEqual([
      'and',
      'id',
      'owner',
    ])
  })
})

describe('simpleEquality', () => {
  const column = (name: string, typeName: string, typeOid: number, deterministic = true): TableColumn => ({
    name,
    typeName,
    typeOid,
    sqlType: typeName,
    collation: null,
    deterministic,
    dims: 0,
    typmod: -1,
    notNull: false,
    pkIndex: null,
  })
  const columns = [
    column('id', 'int4', 23),
    column('owner', 'uuid', 2950),
    column('and', 'text', 25),
    column("x'y", 'citext', 9999, false),
    { ...column('hidden', 'bool', 16), notNull: true },
    column('unsure', 'bool', 16),
  ]
  const value = (text: string): unknown => simpleEquality(read(text), columns)?.value

  it('finds the value as Postgres prints it', () => {
    expect(value('id = 007')).toBe('7')
    expect(value("'-0' = id")).toBe('0')
    expect(value("owner = 'ABCDEF00-0000-7000-8000-000000000001'")).toBe('abcdef00-0000-7000-8000-000000000001')
    expect(value(`"and" = ' x'`)).toBe(' x')
  })

  it('takes along a flag that must not be set', () => {
    expect(simpleEquality(read('id = 7 and not hidden'), columns)).toEqual({
      kind: 'equals',
      column: 'id',
      value: '7',
      but: 'hidden',
    })
  })

  it.each([
    'id = 7 and hidden',
    'id = 7 and not unsure',
    'id = 7 and not hidden and id = 8',
    'id = 7 or not hidden',
    'not hidden',
    'id = 2147483648',
    'id = 1.0',
    "id = ' 1'",
    "owner = '{abcdef00-0000-7000-8000-000000000001}'",
    'id = id',
    'id <> 1',
    `"and" = 5`,
    'id = null',
    `"x'y" = 'a'`,
  ])('leaves %s to Postgres', (text) => expect(value(text)).toBeUndefined())
})
