import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EntryIndex, OPERATIONS, type IndexedEntry } from './entry-index.ts'

const entry = fc.record({
  lsn: fc.bigInt({ min: 0n, max: 30n }),
  position: fc.nat(5),
  operation: fc.constantFrom(...OPERATIONS),
  place: fc.record({ segment: fc.nat(2 ** 31), at: fc.nat(2 ** 31), length: fc.nat(2 ** 30 - 1) }),
})
const key = ({ lsn, position }: { lsn: bigint; position: number }): string => `${lsn}_${position}`
const before = (a: IndexedEntry, b: IndexedEntry): number =>
  a.lsn === b.lsn ? a.position - b.position : Number(a.lsn - b.lsn)

function indexOf(entries: readonly IndexedEntry[]): EntryIndex {
  const index = new EntryIndex()
  for (const one of entries) index.push(one)
  return index
}

const all = (index: EntryIndex): IndexedEntry[] => Array.from({ length: index.length }, (_, at) => index.at(at))

describe('the index of a log', () => {
  it('gives back what was pushed', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(all(indexOf(entries))).toEqual(entries)
      }),
    )
  })

  it('sorts copies into the order of commits, and keeps the newest of each entry', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const index = indexOf(entries)
        index.sort()
        const newest = [...new Map(entries.map((one) => [key(one), one])).values()].sort(before)
        expect(all(index)).toEqual(newest)
      }),
    )
  })

  it('forgets its beginning and goes on', () => {
    fc.assert(
      fc.property(fc.array(entry), fc.nat(), fc.array(entry), (entries, count, more) => {
        const index = indexOf(entries)
        const gone = entries.length === 0 ? 0 : count % (entries.length + 1)
        index.removeFirst(gone)
        for (const one of more) index.push(one)
        expect(all(index)).toEqual([...entries.slice(gone), ...more])
      }),
    )
  })

  it('finds what follows a place', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: key }), entry, (entries, from) => {
        const sorted = entries.sort(before)
        const at = indexOf(sorted).firstAfter(from.lsn, from.position)
        expect(at).toBe(sorted.filter((one) => before(one, from) <= 0).length)
      }),
    )
  })
})
