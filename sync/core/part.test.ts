import { expect, test } from 'vitest'
import type { Change } from './fold-changes.ts'
import { isOutlived, newsBeside, partPage, saidMeanwhile } from './part.ts'

const page = partPage({
  metadata: { xmin: '100', xmax: '110', xip_list: ['105'], snapshot_mark: 1, database_lsn: '5000' },
  data: [
    { key: 'a', value: { id: 'a', chat_id: 'c', content: 'new' }, headers: {} },
    { key: 'b', value: { id: 'b', chat_id: 'c', content: 'new' }, headers: {} },
  ],
})
const change = (id: string, xid: number, op: Change['op'] = 'update', chat_id = 'c'): Change => ({
  op,
  row: { id, chat_id, content: `by ${xid}` },
  txids: [xid],
})

test('a change that the rows show already is left out, one that ran while they were read is not (I26)', () => {
  const changes = [change('a', 99), change('a', 104), change('b', 105), change('b', 110)]
  expect(newsBeside(changes, [page])).toEqual([changes[2], changes[3]])
})

test('changes of other rows, and rows of a snapshot, are left alone', () => {
  const changes: Change[] = [change('elsewhere', 99), { op: 'insert', row: { id: 'a' } }]
  expect(newsBeside(changes, [page])).toEqual(changes)
})

test('a change that sums up several transactions is news if one of them is', () => {
  const both: Change = { op: 'update', row: { id: 'a' }, txids: [99, 105] }
  expect(newsBeside([both], [page])).toEqual([both])
})

test('a snapshot is needed until the log has passed it', () => {
  expect([null, '4999', '5000', '5001', '12000'].map((lsn) => isOutlived(page, lsn))).toEqual([
    false,
    false,
    false,
    true,
    true,
  ])
})

test('what the log said of a chat while it was read: of its rows, and of those made meanwhile', () => {
  const log = [
    change('a', 99),
    change('a', 105),
    change('born', 120, 'insert'),
    change('born', 121),
    change('other', 120, 'insert', 'd'),
    change('unknown', 120),
  ]
  expect(saidMeanwhile('c', [page], log)).toEqual([log[1], log[2], log[3]])
})
