import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLog } from './log.ts'
import { createSessionLock, type SessionLock } from './session-lock.ts'
import { createTestDatabase, type TestDatabase } from './testing/database.ts'

let database: TestDatabase
let admin: pg.Client
beforeAll(async () => {
  database = await createTestDatabase({ empty: true })
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
})
afterAll(async () => {
  await admin.end()
  await database.drop()
})

const KEY = 4711

function lock(): SessionLock & { events: string[] } {
  const events: string[] = []
  const made = createSessionLock({
    url: database.url,
    key: KEY,
    name: 'test',
    log: createLog('silent'),
    onTaken: () => events.push('taken'),
    onLost: () => events.push('lost'),
  })
  return Object.assign(made, { events })
}

const terminate = () =>
  admin.query(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1
     and database = (select oid from pg_database where datname = current_database())`,
    [KEY],
  )

it('is held by one at a time, and free as soon as that one lets go', async () => {
  const first = lock()
  const second = lock()
  expect(await first.take()).toBe(true)
  expect(await second.take(300)).toBe(false)
  expect(second.held()).toBe(false)
  await first.release()
  expect(await second.take()).toBe(true)
  await second.release()
})

it('waits a little for a process that is still ending', async () => {
  const first = lock()
  const second = lock()
  await first.take()
  setTimeout(() => void first.release(), 300)
  expect(await second.take(3_000)).toBe(true)
  await second.release()
})

it('tells when its session is lost, and takes it anew when nobody else has', async () => {
  const only = lock()
  await only.take()
  await terminate()
  await expect.poll(() => only.events).toEqual(['lost', 'taken'])
  expect(only.held()).toBe(true)
  await only.release()
})

it('stays without it while another has it, and follows when that one ends', async () => {
  const first = lock()
  const rival = new pg.Client({ connectionString: database.url })
  await rival.connect()
  await first.take()
  // Asked for before the holder goes, so the rival is next in line.
  const asked = rival.query('select pg_advisory_lock($1)', [KEY])
  await expect
    .poll(async () => (await admin.query('select from pg_locks where objid = $1 and not granted', [KEY])).rowCount)
    .toBe(1)
  await admin.query('select pg_terminate_backend(pid) from pg_locks where objid = $1 and granted', [KEY])
  await asked
  await expect.poll(() => first.events).toEqual(['lost'])
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect([first.held(), first.elsewhere()]).toEqual([false, true])
  await rival.end()
  await expect.poll(() => first.held(), { timeout: 5_000 }).toBe(true)
  expect(first.elsewhere()).toBe(false)
  await first.release()
})
