import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createShapeServer } from './shape-server.ts'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'

describe('the shape server after trouble', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness()
    await harness.db.query(
      `create table notes (id int primary key, body text); insert into notes select n, 'note' from generate_series(1, 5) n`,
    )
  })
  afterAll(() => harness.close())

  const same = (shape: Shape): Promise<void> =>
    untilEqual(shape, 'notes', () => textRows(harness.db, 'select * from notes'))

  it('sends readers of a former process to fetch anew', async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    await harness.restart()
    await harness.db.query(`insert into notes values (6, 'after the restart')`)
    await same(shape)
    expect(replica.refetches).toBeGreaterThan(0)
    expect(replica.faults).toEqual([])
  })

  it('loses nothing when the replication connection is cut while others write', async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    for (let round = 0; round < 3; round += 1) {
      await harness.db.query(`update notes set body = body || $1`, [`.${round}`])
      await harness.db
        .query(`select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'banyan-sync'
        and pid in (select active_pid from pg_replication_slots where database = current_database())`)
      await harness.db.query(`insert into notes values ($1, 'while it was gone')`, [100 + round])
      await same(shape)
      expect(harness.server.status().state).toBe('up')
    }
    expect(replica.faults).toEqual([])
  })

  it('says what a role without REPLICATION needs, and goes on trying', async () => {
    const role = `plain_${Date.now()}`
    await harness.db.query(`create role ${role} login password 'plain'`)
    const url = new URL(harness.databaseUrl)
    url.username = role
    url.password = 'plain'
    const server = createShapeServer({ databaseUrl: url.href })
    await server.start()
    expect(server.status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('ALTER ROLE') })
    await server.stop()
    await harness.db.query(`drop role ${role}`)
  })

  it('says when the publication is missing', async () => {
    const server = createShapeServer({ databaseUrl: harness.databaseUrl, publication: 'nope' })
    await server.start()
    expect(server.status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('run the migrations') })
    await server.stop()
  })

  it('does not make readers throw their rows away while there is nothing to fetch', async () => {
    const source = { schema: 'public', table: 'notes', replica: 'default', rows: { kind: 'all' } } as const
    const signal = new AbortController().signal
    const first = await harness.server.read(source, { offset: { at: 'now' }, live: false }, signal)
    const handle = first.headers['electric-handle']
    const offset = { at: 'snapshot', chunk: Number.POSITIVE_INFINITY } as const
    const live = harness.server.read(source, { offset, handle, live: true }, signal)
    await harness.server.stop()
    expect((await live).status).toBe(503)
    await harness.restart()
    expect((await harness.server.read(source, { offset, handle, live: true }, signal)).status).toBe(409)
  })

  it('lets a second server read the same database', async () => {
    const other = await startShapeHarness()
    await other.close()
    expect(harness.server.status().state).toBe('up')
  })

  it('leaves no slot behind when it stops', async () => {
    const slots = (): Promise<unknown[]> =>
      textRows(harness.db, 'select slot_name from pg_replication_slots where database = current_database()')
    expect(await slots()).toHaveLength(1)
    await harness.server.stop()
    await expect.poll(slots).toHaveLength(0)
    await harness.restart()
  })

  it('answers live reads at once when it stops', async () => {
    const shape = new Shape(harness.stream({ table: 'notes' }))
    await same(shape)
    const before = performance.now()
    await harness.server.stop()
    expect(performance.now() - before).toBeLessThan(1_500)
    await harness.restart()
    await same(shape)
  })
})
