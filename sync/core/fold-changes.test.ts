import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldChanges, type Change } from './fold-changes.ts'

type Cells = Record<string, string | null>

/** The log applied change by change, as a database would. */
function oneByOne(start: Map<string, Cells>, changes: readonly Change[]): Map<string, Cells> {
  const rows = new Map(start)
  for (const { op, row } of changes) {
    const id = row['id'] ?? ''
    if (op === 'insert') rows.set(id, row)
    else if (op === 'delete') rows.delete(id)
    else if (rows.has(id)) rows.set(id, { ...rows.get(id), ...row })
  }
  return rows
}

function folded(start: Map<string, Cells>, changes: readonly Change[]): Map<string, Cells> {
  const rows = new Map(start)
  for (const { kind, row } of foldChanges(changes, ['id']).values()) {
    const id = row['id'] ?? ''
    if (kind === 'drop') rows.delete(id)
    else if (kind === 'put') rows.set(id, row)
    else if (rows.has(id)) rows.set(id, { ...rows.get(id), ...row })
  }
  return rows
}

test('folding a log changes nothing about where it leads', () => {
  const id = fc.constantFrom('1', '2', '3')
  const insert = fc.record({
    op: fc.constant('insert' as const),
    row: fc.record({ id, a: fc.string(), b: fc.string() }),
  })
  const update = fc.record({ op: fc.constant('update' as const), row: fc.record({ id, a: fc.string() }) })
  const remove = fc.record({ op: fc.constant('delete' as const), row: fc.record({ id }) })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(insert, update, remove), { maxLength: 30 }),
      fc.subarray(['1', '2', '3']),
      (changes, present) => {
        const start = new Map(present.map((key) => [key, { id: key, a: 'old', b: 'old' }]))
        expect(folded(start, changes)).toEqual(oneByOne(start, changes))
      },
    ),
  )
})
