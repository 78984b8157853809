import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Change } from '../core/fold-changes.ts'
import { partPage, type PartPage } from '../core/part.ts'
import type { Batch } from '../core/staging.ts'
import { idOf } from '../testing/pending.ts'
import { replicaOver, replicaPg } from '../testing/replica-pg.ts'
import type { PgliteReplica } from './pglite-replica.ts'

const USER = idOf(1)
const SINCE = '2026-10-23T00:00:00Z'
const YOUNG = '2026-11-20 10:00:00+00'
const OLD = '2026-01-05 10:00:00+00'
const [oldChat, youngChat, tornChat] = [idOf(10), idOf(11), idOf(12)]
let pg: PGlite
let replica: PgliteReplica

beforeAll(async () => {
  pg = await replicaPg()
})
afterAll(() => pg.close())
beforeEach(async () => {
  await pg.exec(`truncate sync_cursor, sync_errors, sync_window, sync_chats, sync_snapshots, chats_synced,
    chat_messages_synced`)
  replica = await reopen()
  await replica.apply('chats', {
    ...log([
      ['insert', chat(oldChat, OLD)],
      ['insert', chat(youngChat, YOUNG)],
      ['insert', chat(tornChat, OLD)],
    ]),
    refetch: true,
  })
  await load([message(1, youngChat, YOUNG), message(2, tornChat, YOUNG)])
})

const reopen = () => replicaOver(pg, USER)
const chat = (id: string, created_at: string) => ({
  id,
  user_id: USER,
  agent_id: idOf(900),
  title: 'chat',
  context: '{}',
  status: 'active',
  source: 'app',
  pinned: 'f',
  field_clock: '{}',
  created_at,
  updated_at: created_at,
})
const message = (seq: number, chat_id: string, created_at: string, content = `message ${seq}`) => ({
  id: idOf(100 + seq),
  chat_id,
  user_id: USER,
  role: 'user',
  content,
  status: 'sent',
  metadata: '{}',
  is_intermediate: 'f',
  seq: String(seq),
  created_at,
  updated_at: created_at,
})
/** A batch of the log; changes of transaction `xid`. */
function log(changes: [Change['op'], Record<string, string>][], xid = 100, lsn = '50'): Batch {
  return {
    changes: changes.map(([op, row]) => ({ op, row, txids: [xid], lsn })),
    refetch: false,
    position: { handle: 'h', offset: `${lsn}_0` },
    lsn,
  }
}
/** Rows read apart, by a snapshot that sees everything below transaction `xmax`. */
const page = (rows: Record<string, string>[], xmax = 100, lsn = '60'): PartPage =>
  partPage({
    metadata: { xmin: String(xmax), xmax: String(xmax), xip_list: [], snapshot_mark: 1, database_lsn: lsn },
    data: rows.map((value) => ({ key: value['id'] ?? '', value, headers: {} })),
  })
async function load(rows: Record<string, string>[], chats: string[] = [], handle = 'h'): Promise<void> {
  const pages = [page(rows)]
  await replica.apply('messages', {
    changes: pages.flatMap(({ rows: changes }) => changes),
    refetch: true,
    position: { handle, offset: '40_0' },
    lsn: null,
    parts: { held: { since: SINCE, chats }, pages },
  })
}
const contents = async () =>
  (await replica.read('select content from v_chat_messages order by seq', [])).map(({ content }) => content)

test('a chat that was read apart is here whole, one that reaches out of the window is not (I28)', async () => {
  const whole = async () => [
    await replica.isWhole(oldChat),
    await replica.isWhole(youngChat),
    await replica.isWhole(tornChat),
    await replica.isWhole(idOf(99)),
  ]
  expect(await whole()).toEqual([false, true, false, true])
  expect(await replica.torn(10)).toEqual([tornChat])
  await replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD)])], [])
  expect(await whole()).toEqual([true, true, false, true])
  expect(await contents()).toEqual(['message 0', 'message 1', 'message 2'])
})

test('a change that is older than the rows that were read does not undo them, even after a restart (I26)', async () => {
  await replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD, 'as read')], 120)], [])
  replica = await reopen()
  await replica.apply('messages', log([['update', { id: idOf(100), content: 'before it was read' }]], 119, '55'))
  expect(await contents()).toContain('as read')
  await replica.apply('messages', log([['update', { id: idOf(100), content: 'after it was read' }]], 120, '65'))
  expect(await contents()).toContain('after it was read')
})

test('what the log says while a chat is being read is not lost (I27)', async () => {
  const meanwhile = log(
    [
      ['update', { id: idOf(100), content: 'changed meanwhile' }],
      ['delete', { id: idOf(103) }],
      ['insert', message(4, oldChat, OLD, 'made meanwhile')],
    ],
    130,
  )
  // it is of no chat that is held
  await replica.apply('messages', meanwhile)
  expect(await contents()).toEqual(['message 1', 'message 2'])
  await replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD), message(3, oldChat, OLD)], 120)], meanwhile.changes)
  expect(await contents()).toEqual(['changed meanwhile', 'message 1', 'message 2', 'made meanwhile'])
})

test('the log of what is not held moves the position on and leaves no row (I29)', async () => {
  const unheld = log([
    ['update', { id: idOf(150), content: 'x' }],
    ['delete', { id: idOf(151) }],
    ['insert', message(52, oldChat, OLD)],
    ['insert', message(53, oldChat, YOUNG)],
  ])
  await replica.apply('messages', unheld)
  expect(replica.takeDamage('messages')).toBe(false)
  expect(replica.position('messages')).toEqual(unheld.position)
  // a new message of an old chat is in the window
  expect(await contents()).toEqual(['message 1', 'message 2', 'message 53'])
})

test('what was written here and waited longer than the window stays when it has arrived (I29)', async () => {
  await pg.query("insert into chat_messages_local (id, chat_id, content) values ($1, $2, 'waited')", [
    idOf(100),
    oldChat,
  ])
  await replica.apply('messages', log([['insert', message(0, oldChat, OLD, 'arrived')]]))
  await pg.exec('delete from chat_messages_local')
  expect(await contents()).toContain('arrived')
  expect(await replica.torn(10)).toContain(oldChat)
})

test('loaded anew, the window and the chats that are wanted replace what was there', async () => {
  await replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD)])], [])
  await load([message(1, youngChat, YOUNG, 'anew'), message(9, tornChat, OLD)], [tornChat], 'h2')
  expect(await contents()).toEqual(['anew', 'message 9'])
  expect([await replica.isWhole(oldChat), await replica.isWhole(tornChat)]).toEqual([false, true])
})

test('rows that were read beside another log are refused (I27)', async () => {
  const old = replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD)])], [])
  await load([message(1, youngChat, YOUNG)], [], 'h2')
  await old
  await load([message(1, youngChat, YOUNG)], [], 'h3')
  await expect(replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD)])], [])).rejects.toThrow()
  expect(await replica.isWhole(oldChat)).toBe(false)
})

test('old chats are let go of, but not those that are kept, were opened last, or reach into the window', async () => {
  const kept = idOf(20)
  await replica.hold(kept, 'h', [page([message(5, kept, OLD)])], [])
  await replica.hold(oldChat, 'h', [page([message(0, oldChat, OLD)])], [])
  await replica.hold(tornChat, 'h', [page([message(6, tornChat, OLD)])], [])
  await replica.trim({ since: SINCE, kept: [kept], most: 10 })
  expect(await contents()).toHaveLength(5)
  await replica.trim({ since: SINCE, kept: [kept], most: 0 })
  expect(await contents()).toEqual(['message 1', 'message 2', 'message 5', 'message 6'])
})

test('when the window moves on, a chat that was whole by its age stays whole', async () => {
  await replica.apply('messages', log([['insert', message(7, youngChat, '2026-11-21 10:00:00+00')]]))
  await replica.trim({ since: '2026-11-21T00:00:00Z', kept: [], most: 0 })
  expect(await replica.isWhole(youngChat)).toBe(true)
  expect(await contents()).toEqual(['message 1', 'message 7'])
})
