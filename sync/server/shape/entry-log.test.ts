import { describe, expect, it } from 'vitest'
import { EntryLog } from './entry-log.ts'

const CHUNK = 100

/** A log of entries of ten bytes, of which the first `published` are durable. */
function logOf(count: number, published = count): EntryLog {
  const log = new EntryLog(CHUNK)
  for (let at = 1; at <= count; at += 1) stage(log, BigInt(at), 0)
  log.publish(published)
  return log
}

function stage(log: EntryLog, lsn: bigint, position: number, operation: 'insert' | 'delete' = 'insert'): void {
  log.stage({ lsn, position, operation, place: { segment: 1, at: Number(lsn) * 10 + position, length: 10 } })
}

/** LSNs of what a reader at `lsn` is given. */
const given = (log: EntryLog, lsn?: bigint): number[] | undefined =>
  log.page(lsn === undefined ? undefined : { lsn, position: 0 })?.places.map(({ at }) => at / 10)

describe('the entries of a shape', () => {
  it('are shown when they are durable, and not before', () => {
    const log = logOf(5, 3)
    expect(given(log)).toEqual([1, 2, 3])
    expect(log.end()).toEqual({ at: 'log', lsn: 3n, position: 0 })
    expect(log.publish(3)).toBe(false)
    expect(log.publish(5)).toBe(true)
    expect(given(log, 3n)).toEqual([4, 5])
  })

  it('come in chunks, of which full ones never change', () => {
    const log = logOf(14)
    const first = log.page(undefined)
    expect([first?.places.length, first?.whole, first?.atEnd]).toEqual([10, true, false])
    const second = log.page({ lsn: 10n, position: 0 })
    expect([second?.places.length, second?.whole, second?.atEnd]).toEqual([4, false, true])
    expect(logOf(10).page(undefined)).toMatchObject({ whole: true, atEnd: true })
  })

  it('have no page beyond their end, but for the place behind a whole transaction', () => {
    const log = logOf(3)
    expect(log.page({ lsn: 3n, position: 0 })?.places).toEqual([])
    expect(log.page({ lsn: 4n, position: 0 })?.places).toEqual([])
    expect(log.page({ lsn: 4n, position: 2 })).toBeUndefined()
    expect(log.page({ lsn: 5n, position: 0 })).toBeUndefined()
    expect(log.page({ lsn: 3n, position: 2 })).toBeUndefined()
    expect(log.page({ lsn: 3n, position: Number.POSITIVE_INFINITY })?.places).toEqual([])
    expect(new EntryLog(CHUNK).page({ lsn: 1n, position: 0 })).toBeUndefined()
  })

  it('lose a transaction that breaks off, and nothing else', () => {
    const log = logOf(3)
    stage(log, 4n, 0)
    stage(log, 4n, 2, 'delete')
    expect([log.size, log.rowsAdded]).toEqual([50, 3])
    expect(log.unstage(4n).map(({ operation }) => operation)).toEqual(['insert', 'delete'])
    expect([log.size, log.rowsAdded]).toEqual([30, 3])
    expect(given(log)).toEqual([1, 2, 3])
  })

  it('lose their beginning when they are too long, and send who is behind it away', () => {
    const log = logOf(20)
    expect(log.trim(200)).toBe(false)
    expect(log.trim(120)).toBe(true)
    expect([log.length, log.size, log.trimmedTo]).toEqual([6, 60, { lsn: 14n, position: 0 }])
    expect([log.lacks({ lsn: 13n, position: 9 }), log.lacks({ lsn: 14n, position: 0 })]).toEqual([true, false])
    expect(given(log, 14n)).toEqual([15, 16, 17, 18, 19, 20])
  })

  it('lose what is struck out, and show nothing that was not durable for it', () => {
    const log = logOf(6, 0)
    const written = log.staged
    stage(log, 7n, 0)
    log.strike(new Set([2n, 5n]))
    expect([log.size, log.rowsAdded]).toEqual([50, 5])
    log.publish(written)
    expect(given(log)).toEqual([1, 3, 4, 6])
    log.publish(log.staged)
    expect(given(log)).toEqual([1, 3, 4, 6, 7])
  })

  it('count what is staged from the first one ever: a trim between writing and durability takes nothing from readers', () => {
    const log = logOf(20)
    stage(log, 21n, 0)
    const written = log.staged
    log.trim(120)
    log.publish(written)
    expect(given(log, 20n)).toEqual([21])
    log.trim(0)
    expect([log.length, log.end()]).toEqual([0, { at: 'log', lsn: 21n, position: 0 }])
    expect(log.page({ lsn: 21n, position: 0 })?.places).toEqual([])
    expect(log.page({ lsn: 23n, position: 0 })).toBeUndefined()
  })
})
