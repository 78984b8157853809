import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { chatList, chatMessages } from '../../shared/chat/queries.ts'
import type { Change } from '../core/fold-changes.ts'
import type { Pending } from '../core/pending.ts'
import type { Batch } from '../core/staging.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { idOf, pendingOf } from '../testing/pending.ts'
import { replicaOver, replicaPg } from '../testing/replica-pg.ts'
import type { PgliteReplica } from './pglite-replica.ts'
import { replicaDdl, schemaHash } from './replica-schema.ts'

const USER = idOf(1)
const AT = '2026-11-22 10:00:00.123456+00'
let pg: PGlite
let replica: PgliteReplica

beforeAll(async () => {
  pg = await replicaPg()
})
afterAll(() => pg.close())
beforeEach(async () => {
  for (const name of SHAPE_NAMES) await pg.exec(`truncate ${SHAPES[name].table}_synced, ${SHAPES[name].table}_local`)
  await pg.exec('truncate sync_cursor, sync_errors')
  replica = await reopen()
})

const reopen = () => replicaOver(pg, USER)
const batch = (changes: Change[], more: Partial<Batch> = {}): Batch => ({
  changes,
  refetch: false,
  position: { handle: 'h', offset: '5_0' },
  lsn: '5',
  ...more,
})

function chat(number: number, more: Record<string, string | null> = {}): Record<string, string | null> {
  return {
    id: idOf(number),
    user_id: USER,
    agent_id: idOf(900),
    agent_version_id: null,
    title: `chat ${number}`,
    context: '{"a": 1}',
    status: 'active',
    expires_at: null,
    source: 'draft',
    pinned: 'f',
    field_clock: '{}',
    deleted_at: null,
    created_at: AT,
    updated_at: AT,
    ...more,
  }
}
const put = (number: number, more?: Record<string, string | null>): Change => ({
  op: 'insert',
  row: chat(number, more),
})
const titles = async () => (await replica.read('select title from v_chats order by id', [])).map((row) => row['title'])
const send = (seq: number, more: Partial<Pending> = {}) =>
  pendingOf(seq, {
    name: 'message.send',
    args: {
      chat_id: idOf(10),
      parent_message_id: null,
      user_message_id: idOf(50),
      answer_message_id: idOf(51),
      execution_id: idOf(52),
      content: '你好',
    },
    ...more,
  })

test('values arrive as the row types say: times in ISO 8601, numbers, booleans, objects', async () => {
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  const [row] = await replica.read('select * from v_chats', [])
  expect(row).toMatchObject({
    pinned: false,
    context: { a: 1 },
    created_at: '2026-11-22T10:00:00.123456+00:00',
    agent_version_id: null,
  })
})

test('a batch inserts, changes only what an update carries, and deletes', async () => {
  await replica.apply('chats', batch([put(10), put(11), put(12)], { refetch: true }))
  await replica.apply(
    'chats',
    batch([
      { op: 'update', row: { id: idOf(10), title: 'renamed' } },
      { op: 'update', row: { id: idOf(11), pinned: 't' } },
      { op: 'delete', row: { id: idOf(12) } },
    ]),
  )
  expect(await replica.read('select title, pinned, status from v_chats order by id', [])).toEqual([
    { title: 'renamed', pinned: false, status: 'active' },
    { title: 'chat 11', pinned: true, status: 'active' },
  ])
})

test('a batch seen again changes nothing', async () => {
  const changes: Change[] = [
    put(10),
    { op: 'update', row: { id: idOf(10), title: 'b' } },
    put(11),
    { op: 'delete', row: { id: idOf(11) } },
  ]
  await replica.apply('chats', batch(changes))
  await replica.apply('chats', batch(changes))
  expect(await titles()).toEqual(['b'])
  expect(replica.takeDamage('chats')).toBe(false)
})

test('arrays, JSON strings, big numbers and odd text survive', async () => {
  const agent = {
    id: idOf(20),
    name: `O'Brien "q" \\ {x}`,
    description: null,
    developer_id: USER,
    category_id: null,
    tags: '{"a b","c,d",NULL}',
    status: 'draft',
    download_count: '3',
    average_rating: '4.50',
    published_at: null,
    slug: 's',
    icon: null,
    listing: '{}',
    rating_count: '0',
    deleted_at: null,
    created_at: AT,
    updated_at: AT,
  }
  await replica.apply('agents_mine', batch([{ op: 'insert', row: agent }]))
  await replica.apply(
    'preferences',
    batch([{ op: 'insert', row: { user_id: USER, key: 'k', value: '"a \\u4e2d string"', hlc: 'x', updated_at: AT } }]),
  )
  await replica.apply(
    'acks',
    batch(
      [{ op: 'insert', row: { device_id: idOf(3), user_id: USER, last_seq: '9007199254740991', updated_at: AT } }],
      { lsn: '77' },
    ),
  )
  const [row] = await replica.read('select name, tags, average_rating from v_agents', [])
  expect(row).toEqual({ name: `O'Brien "q" \\ {x}`, tags: ['a b', 'c,d', null], average_rating: 4.5 })
  expect(await replica.read('select value from v_preferences', [])).toEqual([{ value: 'a 中 string' }])
  expect(await replica.ack(idOf(3))).toEqual({ last_seq: Number.MAX_SAFE_INTEGER, lsn: '77' })
})

test('rows and their position are written together and found again (I11)', async () => {
  await replica.apply(
    'chats',
    batch([put(10)], { refetch: true, position: { handle: 'h9', offset: '42_1' }, lsn: '42' }),
  )
  const again = await reopen()
  expect(again.position('chats')).toEqual({ handle: 'h9', offset: '42_1' })
  expect(again.cursors().get('chats')).toEqual({ table: 'chats', lsn: '42', refetching: false })
  expect(again.position('runs')).toBeUndefined()
})

test('a cursor that cannot be saved takes its rows back with it (I11)', async () => {
  const broken = batch([put(10)], { position: { handle: 'h', offset: '5_0' }, lsn: '5' })
  await pg.exec('alter table sync_cursor add constraint no check (false)')
  await expect(replica.apply('chats', broken)).rejects.toThrow()
  await pg.exec('alter table sync_cursor drop constraint no')
  expect(await titles()).toEqual([])
  await replica.apply('chats', broken)
  expect(await titles()).toEqual(['chat 10'])
})

test('a bad row is put aside with all that is known of it, the others stay (I12)', async () => {
  await replica.apply('chats', batch([put(10), put(11, { created_at: 'not a time' }), put(12)]))
  expect(await titles()).toEqual(['chat 10', 'chat 12'])
  const [error] = await replica.read('select shape, op, row_json, error from sync_errors', [])
  expect(error).toMatchObject({ shape: 'chats', op: 'put', row_json: expect.stringContaining('not a time') })
})

test('a refetch replaces the rows in one step (I13)', async () => {
  await replica.apply('chats', batch([put(10), put(11)], { refetch: true }))
  replica.refetching('chats')
  expect(replica.cursors().get('chats')?.refetching).toBe(true)
  expect(await titles()).toEqual(['chat 10', 'chat 11'])
  await replica.apply('chats', batch([put(11, { title: 'new' }), put(12)], { refetch: true, lsn: '9' }))
  expect(await titles()).toEqual(['new', 'chat 12'])
  expect(replica.cursors().get('chats')).toMatchObject({ refetching: false, lsn: '9' })
})

test('an update of a row that is not here asks for the shape anew, once', async () => {
  await replica.apply('chats', batch([{ op: 'update', row: { id: idOf(99), title: 'lost' } }]))
  expect(replica.takeDamage('chats')).toBe(true)
  expect(replica.position('chats')).toBeUndefined()
  expect(replica.takeDamage('chats')).toBe(false)
})

test('a log that spoke of a row that is not here leaves no position behind, even if the process ends at once', async () => {
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  await replica.apply('chats', batch([{ op: 'update', row: { id: idOf(99), title: 'lost' } }]))
  expect((await reopen()).position('chats')).toBeUndefined()
})

test('acks loaded anew may be of another WAL: what the other shapes had reached says nothing until their next word (I5)', async () => {
  await replica.apply('acks', batch([], { refetch: true, lsn: '900' }))
  await replica.apply('chats', batch([put(10)], { refetch: true, lsn: '950' }))
  await replica.apply('runs', batch([], { refetch: true, lsn: '990' }))
  await replica.apply('acks', batch([], { refetch: true, lsn: '970' }))
  for (const one of [replica, await reopen()]) {
    const lsns = [...one.cursors()].flatMap(([name, { lsn }]) => (one.position(name) ? [[name, lsn]] : []))
    expect(Object.fromEntries(lsns)).toEqual({ acks: '970', chats: null, runs: null })
  }
  await replica.apply('chats', batch([], { lsn: '21' }))
  expect(replica.cursors().get('chats')?.lsn).toBe('21')
  expect(await titles()).toEqual(['chat 10'])
})

test('that is forgotten with the rows that show it, in one transaction: no process can end between the two (I5, I11)', async () => {
  await replica.apply('acks', batch([], { refetch: true, lsn: '900' }))
  await replica.apply('chats', batch([put(10)], { refetch: true, lsn: '950' }))
  const outside = vi.spyOn(pg, 'query').mockRejectedValue(new Error('the process has ended'))
  await replica.apply('acks', batch([], { refetch: true, lsn: '20' }))
  outside.mockRestore()
  const cursors = (await reopen()).cursors()
  expect([cursors.get('acks')?.lsn, cursors.get('chats')?.lsn]).toEqual(['20', null])
})

test('progress never goes back, and an idle poll writes nothing', async () => {
  await replica.apply('chats', batch([put(10)], { refetch: true, lsn: '18446744073709551615' }))
  await replica.apply('chats', batch([], { lsn: '9' }))
  expect(replica.cursors().get('chats')?.lsn).toBe('18446744073709551615')
  await replica.apply('chats', batch([], { position: { handle: 'h', offset: '99_0' } }))
  expect((await reopen()).position('chats')?.offset).toBe('5_0')
  expect(replica.position('chats')?.offset).toBe('99_0')
})

test('a revoked shape leaves nothing behind and does not hold up the rest', async () => {
  for (const name of SHAPE_NAMES.filter((name) => name !== 'chats'))
    await replica.apply(name, batch([], { refetch: true }))
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  expect(replica.complete).toBe(true)
  await replica.revoke('chats')
  expect(await titles()).toEqual([])
  expect(replica.complete).toBe(true)
  expect(replica.cursors().has('chats')).toBe(false)
})

test("a sent message shows at once, last, with no number; the server's row takes its place", async () => {
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  const first = await replica.rebase([send(1)])
  expect(first.effects.get(idOf(1))?.tables).toEqual(['chat_messages'])
  const shown = () => replica.read(chatMessages.sql, [idOf(10)])
  expect(await shown()).toMatchObject([
    { role: 'user', content: '你好', seq: null },
    { role: 'assistant', status: 'sending', seq: null },
  ])
  const server = (await shown()).map((row, index) => ({
    ...row,
    seq: index + 1,
    content: index ? '答' : '你好',
    status: 'sent',
  }))
  const cells = server.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    ),
  )
  await replica.apply('messages', batch(cells.map((row) => ({ op: 'insert', row }))))
  const known = send(1, { effect: first.effects.get(idOf(1)) })
  await replica.rebase([known])
  expect(await shown()).toMatchObject([{ seq: 1 }, { content: '答', seq: 2, status: 'sent' }])
  await replica.rebase([])
  expect(await shown()).toHaveLength(2)
  expect(await pg.query('select * from chat_messages_local')).toMatchObject({ rows: [] })
})

test('the overlay of an earlier life is replaced at the first rebase', async () => {
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  await replica.rebase([send(1)])
  const again = await reopen()
  await again.rebase([])
  expect(await again.read('select 1 from v_chat_messages', [])).toEqual([])
})

test('an overlay row that the database refuses does not hold up the others', async () => {
  const insert = (seq: number, row: object) =>
    pendingOf(seq, {
      name: 'gone',
      effect: {
        writes: [{ op: 'insert', table: 'chats', row: { ...row } }],
        creates: [],
        touches: [],
        tables: ['chats'],
      },
    })
  await replica.rebase([insert(1, chat(30, { created_at: 'not a time' })), insert(2, chat(31))])
  expect(await titles()).toEqual(['chat 31'])
  await replica.rebase([])
  expect(await titles()).toEqual([])
})

test('preparing runs the mutator over what the person sees, and refuses like the server', async () => {
  const mutation = {
    id: idOf(70),
    name: 'chat.update',
    version: 1,
    args: { id: idOf(10), set: { title: 'mine' } },
    created_at: '2026-11-22T00:00:00.000Z',
  }
  await expect(replica.prepare(mutation, []).then((run) => run('x'))).rejects.toMatchObject({ code: 'row/not-found' })
  await replica.apply('chats', batch([put(10)], { refetch: true }))
  const run = await replica.prepare(mutation, [])
  expect(run('0000000000001-0000-a').writes).toMatchObject([{ op: 'update', set: { title: 'mine' } }])
  await expect(replica.prepare({ ...mutation, name: 'no.such' }, [])).rejects.toMatchObject({
    code: 'sync/unknown-mutation',
  })
})

test('support queries can read and nothing else', async () => {
  expect(await replica.query('select count(*)::int as n from v_chats', [])).toEqual([{ n: 0 }])
  await expect(replica.query('delete from chats_synced', [])).rejects.toThrow(/read-only/)
  await replica.apply('chats', batch([put(10)]))
})

test('every named query runs on the replica', async () => {
  const { QUERIES } = await import('../../shared/registry.ts')
  for (const query of Object.values(QUERIES))
    await expect(pg.describeQuery(query.sql), query.name).resolves.toBeDefined()
  expect(chatList.tables).toContain('chats')
})

test('the schema names the directory: it is stable, and short enough for a file name', () => {
  expect(schemaHash()).toBe(schemaHash())
  expect(schemaHash()).toMatch(/^[0-9a-f]{16}$/)
  const every: ShapeName[] = [...SHAPE_NAMES]
  expect(every.every((name) => replicaDdl().includes(`view v_${SHAPES[name].table} `))).toBe(true)
})
