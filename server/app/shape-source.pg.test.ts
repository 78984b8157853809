import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLog } from '../kernel/log.ts'
import { electricSource, SYNC_LOCK } from './shape-source.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
let person: Awaited<ReturnType<TestServer['person']>>
beforeAll(async () => {
  server = await startTestServer()
  person = await server.person()
})
afterAll(() => server.stop())

const shape = async () => (await person.request('GET', '/api/sync/shapes/chats?offset=-1')).status
const ready = async () => JSON.parse(await (await fetch(`${server.origin}/api/ready`)).text())
const holder = "from pg_stat_activity where application_name like 'banyan-sync-%' and datname = current_database()"

it(
  'serves shapes only while it holds the lock of sync, and again when it has it back',
  { timeout: 60_000 },
  async () => {
    expect(await shape()).toBe(200)
    // Another process, next in line for the lock.
    const rival = new pg.Client({ connectionString: server.db.url })
    await rival.connect()
    const asked = rival.query('select pg_advisory_lock($1)', [SYNC_LOCK])
    await expect
      .poll(() => server.db.query("select from pg_locks where locktype = 'advisory' and not granted"))
      .toHaveLength(1)
    await server.db.query(`select pg_terminate_backend(pid) ${holder}`)
    await asked

    await expect.poll(shape, { timeout: 10_000 }).toBe(503)
    await expect.poll(ready, { timeout: 10_000 }).toMatchObject({
      status: 'down',
      parts: { sync: { state: 'down', reason: 'another process plays sync now' } },
    })
    expect(await shape()).toBe(503)

    await rival.end()
    await expect.poll(shape, { timeout: 20_000 }).toBe(200)
    expect(await ready()).toMatchObject({ status: 'ready', parts: { sync: { state: 'up' } } })
  },
)

it('lets go of its slot when an Electric has taken over', { timeout: 30_000 }, async () => {
  const slots = () =>
    server.db.query(
      "select from pg_replication_slots where slot_name like 'banyan_sync_%' and database = current_database()",
    )
  expect(await slots()).toHaveLength(1)
  await server.application.stop()
  const own = { databaseUrl: server.db.url, log: createLog('silent') }
  const source = electricSource({ url: 'http://127.0.0.1:1', secret: undefined }, own)
  await source.start()
  await source.stop()
  expect(await slots()).toHaveLength(0)
})
