import fc from 'fast-check'
import { expect, test } from 'vitest'
import { effectOn, pendingOf } from '../testing/pending.ts'
import { advanced, awaitsAck, coveredBy, lagging, settled, type ShapeCursor } from './settlement.ts'

const applied = { outcome: { status: 'applied' as const } }
const cursor = (table: string, lsn: string | null, refetching = false): ShapeCursor => ({ table, lsn, refetching })
const acks = cursor('acks', '999')
const ids = (items: { seq: number }[]) => items.map((item) => item.seq)

test('it leaves when every touched shape has reached its LSN (I5)', () => {
  const item = pendingOf(1, { ...applied, lsn: '100', effect: effectOn(['chats', 'chat_messages']) })
  expect(settled([item], [acks, cursor('chats', '100'), cursor('chat_messages', '99')], 'acks')).toEqual([])
  expect(ids(settled([item], [acks, cursor('chats', '100'), cursor('chat_messages', '100')], 'acks'))).toEqual([1])
})

test('LSNs compare as numbers, not as text', () => {
  const item = pendingOf(1, { ...applied, lsn: '9', effect: effectOn(['chats']) })
  expect(ids(settled([item], [acks, cursor('chats', '18446744073709551615')], 'acks'))).toEqual([1])
})

test('a shape in refetch has reached nothing (I5)', () => {
  const item = pendingOf(1, { ...applied, lsn: '9', effect: effectOn(['chats']) })
  expect(settled([item], [acks, cursor('chats', '50', true)], 'acks')).toEqual([])
})

test('without a shape on its tables it leaves at the answer', () => {
  expect(ids(settled([pendingOf(1, { ...applied, effect: effectOn(['agent_reviews']) })], [acks], 'acks'))).toEqual([1])
})

test('an ack alone is not an answer: it may have been refused', () => {
  expect(settled([pendingOf(1, { lsn: '9', effect: effectOn([]) })], [acks], 'acks')).toEqual([])
})

test('a refusal waits for the shapes like everything else', () => {
  const item = pendingOf(1, {
    outcome: { status: 'rejected', error: { code: 'chat/deleted' } },
    lsn: '10',
    effect: effectOn(['chats']),
  })
  expect(settled([item], [acks, cursor('chats', '9')], 'acks')).toEqual([])
  expect(ids(settled([item], [acks, cursor('chats', '10')], 'acks'))).toEqual([1])
})

test('it does not leave before an earlier one on the same rows (I6)', () => {
  const first = pendingOf(1, { ...applied, lsn: '10', effect: effectOn(['chats', 'chat_messages'], ['chats/id=1']) })
  const second = pendingOf(2, { ...applied, lsn: '11', effect: effectOn(['chats'], ['chats/id=1']) })
  const other = pendingOf(3, { ...applied, lsn: '12', effect: effectOn(['chats'], ['chats/id=2']) })
  expect(
    ids(settled([first, second, other], [acks, cursor('chats', '20'), cursor('chat_messages', '9')], 'acks')),
  ).toEqual([3])
})

test('what was never run here may touch any row: nothing leaves before it (I6)', () => {
  const unknown = pendingOf(1, { ...applied, lsn: '10' })
  const second = pendingOf(2, { ...applied, lsn: '11', effect: effectOn(['chats'], ['chats/id=1']) })
  expect(settled([unknown, second], [acks, cursor('chats', '20'), cursor('chat_messages', '9')], 'acks')).toEqual([])
  expect(ids(settled([unknown, second], [acks, cursor('chats', '20'), cursor('chat_messages', '10')], 'acks'))).toEqual(
    [1, 2],
  )
})

test('what lags is what keeps a decided mutation', () => {
  const item = pendingOf(1, { ...applied, lsn: '10', effect: effectOn(['chats', 'chat_messages']) })
  expect(
    lagging([item, pendingOf(2)], [acks, cursor('chats', '9'), cursor('chat_messages', '10'), cursor('agents', '1')]),
  ).toEqual(['chats'])
})

test('the first ack at or past a seq covers it', () => {
  const ack = (last_seq: string, lsn?: string) => ({ op: 'update' as const, row: { device_id: 'd', last_seq }, lsn })
  const covered = coveredBy([pendingOf(1), pendingOf(2), pendingOf(3)], [ack('1', '50'), ack('2', '60')], 'd', '90')
  expect(covered.map(({ item, lsn }) => [item.seq, lsn])).toEqual([
    [1, '50'],
    [2, '60'],
  ])
  expect(coveredBy([pendingOf(1)], [ack('1')], 'd', '90')[0]?.lsn).toBe('90')
  expect(coveredBy([pendingOf(1)], [ack('1', '50')], 'another', '90')).toEqual([])
})

test('more progress never takes back a settlement', () => {
  const lsn = fc.integer({ min: 1, max: 40 })
  const tables = ['chats', 'chat_messages', 'preferences']
  const item = fc.record({ lsn, tables: fc.subarray(tables), key: fc.integer({ min: 1, max: 3 }) })
  fc.assert(
    fc.property(fc.array(item, { maxLength: 8 }), fc.tuple(lsn, lsn, lsn), fc.nat(10), (list, at, more) => {
      const outbox = list.map((entry, index) =>
        pendingOf(index + 1, { ...applied, lsn: String(entry.lsn), effect: effectOn(entry.tables, [`k${entry.key}`]) }),
      )
      const at_ = (plus: number) => [
        acks,
        ...tables.map((table, index) => cursor(table, String((at[index] ?? 0) + plus))),
      ]
      const before = ids(settled(outbox, at_(0), 'acks'))
      const after = ids(settled(outbox, at_(more), 'acks'))
      expect(before.every((seq) => after.includes(seq))).toBe(true)
    }),
  )
})

test('what was queued before there was a replica to run it on waits for every shape', () => {
  const item = pendingOf(1, { ...applied, lsn: '10' })
  const chats = (lsn: string) => [acks, cursor('chats', lsn), cursor('agents', '50')]
  expect(settled([item], chats('9'), 'acks')).toEqual([])
  expect(lagging([item], chats('9'))).toEqual(['chats'])
  expect(ids(settled([item], chats('10'), 'acks'))).toEqual([1])
  expect(settled([pendingOf(2, applied)], chats('10'), 'acks')).toEqual([])
})

test('a shape never goes back, but for one loaded anew: it is as far as its new rows', () => {
  expect(advanced('100', { lsn: '99', refetch: false })).toBe('100')
  expect(advanced('99', { lsn: '100', refetch: false })).toBe('100')
  expect(advanced('100', { lsn: null, refetch: false })).toBe('100')
  expect(advanced('100', { lsn: '99', refetch: true })).toBe('99')
  expect(advanced(null, { lsn: '99', refetch: false })).toBe('99')
})

test('an LSN from before the database was moved gives way to the ack of the new one', () => {
  const ack = (lsn: string) =>
    coveredBy([pendingOf(1, { lsn: '900' })], [{ op: 'insert', row: { device_id: 'd', last_seq: '1' } }], 'd', lsn)
  expect(ack('20').map(({ lsn }) => lsn)).toEqual(['20'])
  expect(ack('950')).toEqual([])
  expect(awaitsAck(pendingOf(1, { lsn: '900' }), '20')).toBe(true)
})
