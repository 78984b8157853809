import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../../shared/kernel/id.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import type { Database } from '../../../server/kernel/db.ts'
import type { Actor } from '../../../server/kernel/request.ts'
import { openTestDatabase } from '../../../server/kernel/testing/database-pool.ts'
import { buildPerson } from '../../../server/kernel/testing/people.ts'
import type { PushReply } from '../../protocol/push.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { push, type PushDeps } from './push.ts'

// `preference.set` locks what it reads, so it runs in a transaction: its commit is a step of its own, and may fail.

let db: Database
let drop: () => Promise<void>
let anna: Actor
beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
  anna = await buildPerson(db)
})
afterAll(() => drop())

/** What the hook was told, and what anybody else could see of the mutation then. */
let told: { fate: string; seen: Promise<number> }[]
beforeEach(() => {
  told = []
})

const seen = async () =>
  (await db.query("select 1 from preferences where user_id = $1 and key = 'theme'", [anna.user_id])).length
const tell = (fate: string) => () => void told.push({ fate, seen: seen() })
const hooks: PushDeps['hooks'] = {
  'preference.set': { before: () => ({ committed: tell('committed'), abandoned: tell('abandoned') }) },
}
const fates = async () => Promise.all(told.map(async ({ fate, seen }) => [fate, await seen]))

function sent() {
  const mutation = {
    id: newId(),
    seq: 1,
    name: 'preference.set',
    version: 1,
    args: { key: 'theme', value: 'dark' },
    hlc: `${String(Date.now()).padStart(13, '0')}-0000-aaaaaaaa`,
    created_at: new Date().toISOString(),
  }
  const body = { protocol: PROTOCOL_VERSION, device_id: newId(), mutations: [mutation] }
  return (on: Database = db): Promise<PushReply> => push({ db: on, mutators: MUTATORS, hooks }, anna, body)
}

/** The database, with a connection that is killed when all is written and nothing is committed. */
function dyingAtCommit(): Database {
  return {
    ...db,
    transaction: (work) =>
      db.transaction(async (tx) => {
        const result = await work(tx)
        const [own] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
        await db.query('select pg_terminate_backend($1, 5000)', [own?.pid])
        return result
      }),
  }
}

describe('the hook of a mutation that locks', () => {
  it('is told of the commit when others can see it, once', async () => {
    const again = sent()
    await again()
    expect(await fates()).toEqual([['committed', 1]])
    await again()
    expect(told.map(({ fate }) => fate)).toEqual(['committed'])
    await db.query('delete from preferences')
  })

  it('is told that it was given up when the process of the database dies before the commit; a repeat applies it', async () => {
    const again = sent()
    await expect(again(dyingAtCommit())).rejects.toMatchObject({ code: 'server/unavailable' })
    expect(await fates()).toEqual([['abandoned', 0]])
    expect((await again()).results[0]?.status).toBe('applied')
    expect((await fates()).slice(1)).toEqual([['committed', 1]])
    await db.query('delete from preferences')
  })

  it('is told that it was given up when the database refuses at the commit', async () => {
    await db.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '23514'; end $$`)
    await db.query(`create constraint trigger refuse after insert on preferences deferrable initially deferred
      for each row execute function refuse()`)
    const { results } = await sent()()
    expect(results[0]).toMatchObject({ status: 'rejected', error: { code: 'row/invalid' } })
    expect(await fates()).toEqual([['abandoned', 0]])
  })
})
