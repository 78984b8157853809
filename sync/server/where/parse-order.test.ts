import { describe, expect, it } from 'vitest'
import { parseOrder } from './parse-order.ts'

const columns = new Set(['id', 'Odd "name"', 'desc'])

describe('an order of rows', () => {
  it.each([
    ['id', 't."id"'],
    ['ID DESC', 't."id" desc'],
    [`"Odd ""name""" asc nulls last, id`, `t."Odd ""name""" asc nulls last , t."id"`],
    ['"desc" desc nulls FIRST', 't."desc" desc nulls first'],
  ])('is emitted quoted: %s', (source, expected) => {
    expect(parseOrder(source, columns)).toBe(expected)
  })

  it.each(['', 'nope', 'id,', 'id; drop table x', 'id desc asc', 'id nulls', '(id)', '1', 'lower(id)', 'id --', '$1'])(
    'is refused when it holds anything else: %j',
    (source) => {
      expect(() => parseOrder(source, columns)).toThrow(/^At location \d+: /)
    },
  )
})
