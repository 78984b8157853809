import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { chatList } from '../../shared/chat/queries.ts'
import { SHAPE_NAMES } from '../protocol/shapes.ts'
import { idOf } from '../testing/pending.ts'
import { replicaOver, replicaPg } from '../testing/replica-pg.ts'
import { carryOver } from './carry-over.ts'
import type { PgliteReplica } from './pglite-replica.ts'
import { replicaDdl } from './replica-schema.ts'

const USER = idOf(1)
let old: PGlite
let pg: PGlite

beforeAll(async () => {
  ;[old, pg] = await Promise.all([PGlite.create(), replicaPg()])
})
afterAll(() => Promise.all([old.close(), pg.close()]))
beforeEach(async () => {
  await old.exec('drop schema public cascade; create schema public')
  await old.exec(replicaDdl())
  // the schema of an older app: it lacks some, and has what is gone by now
  await old.exec(
    'alter table chats_synced drop column field_clock cascade; alter table chats_synced drop column source',
  )
  await old.exec('alter table chats_synced add column mood text; drop table branch_choices_synced cascade')
  await old.exec('create table moods_synced (id uuid primary key)')
  await pg.exec('truncate chats_synced, preferences_synced, sync_cursor, sync_carried, sync_chats, sync_window')
  await old.query(
    `insert into chats_synced (id, user_id, agent_id, title, context, status, pinned, created_at, updated_at, mood)
      values ($1, $2, $2, 'of the old app', '{"a": "b\\tc"}', 'active', true, now(), now(), 'well')`,
    [idOf(10), USER],
  )
  await old.exec("insert into sync_window values (now() - interval '30 days')")
  await old.query('insert into sync_chats (chat_id) values ($1)', [idOf(10)])
  await old.exec("insert into sync_cursor values ('chats', 'h', '5_0', '5')")
})

const titles = async (replica: PgliteReplica) =>
  (await replica.read(chatList.sql, ['active', 10])).map((row) => row['title'])

test('a new replica shows what one of another schema held, and begins every shape anew (I30)', async () => {
  expect(await carryOver(old, pg)).toBe(true)
  const replica = await replicaOver(pg, USER)
  expect([replica.readable, replica.complete]).toEqual([true, false])
  expect(await titles(replica)).toEqual(['of the old app'])
  expect(await replica.isWhole(idOf(10))).toBe(true)
  expect(SHAPE_NAMES.filter((name) => replica.position(name))).toEqual([])
})

test('what the old one has not holds a value of its type, so that what reads it does not break', async () => {
  await carryOver(old, pg)
  const { rows } = await pg.query('select context, pinned, field_clock, source from v_chats')
  expect(rows).toEqual([{ context: { a: 'b\tc' }, pinned: true, field_clock: {}, source: 'app' }])
})

test('the rows of the server replace them in one step, shape by shape', async () => {
  await carryOver(old, pg)
  const replica = await replicaOver(pg, USER)
  const anew = { refetch: true, position: { handle: 'h', offset: '9_0' }, lsn: '9' }
  await replica.apply('preferences', { changes: [], ...anew })
  expect(await titles(replica)).toEqual(['of the old app'])
  await replica.apply('chats', { changes: [], ...anew })
  expect(await titles(replica)).toEqual([])
})

test('a table that no longer fits is left out, and the others come', async () => {
  await old.exec('drop view v_preferences; alter table preferences_synced alter column value type text')
  await old.query("insert into preferences_synced (user_id, key, value) values ($1, 'k', 'no json')", [USER])
  expect(await carryOver(old, pg)).toBe(true)
  expect((await pg.query('select 1 from preferences_synced')).rows).toEqual([])
  expect(await titles(await replicaOver(pg, USER))).toEqual(['of the old app'])
})

test('one in which nothing had arrived gives nothing; what it was given itself it gives on', async () => {
  await old.exec('truncate sync_cursor')
  expect(await carryOver(old, pg)).toBe(false)
  expect((await replicaOver(pg, USER)).readable).toBe(false)
  await old.exec('insert into sync_carried default values')
  expect(await carryOver(old, pg)).toBe(true)
})
