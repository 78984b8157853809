import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropSlot } from './replication/slot.ts'
import { parseOffset } from './shape/offset.ts'
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

  const activeSlots = async (): Promise<number> =>
    (await harness.db.query('select from pg_replication_slots where active and database = current_database()'))
      .rowCount ?? 0
  const same = (shape: Shape): Promise<void> =>
    untilEqual(shape, 'notes', () => textRows(harness.db, 'select * from notes'))

  it('goes on with the same handles after a restart, and with what was written meanwhile', async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    const handle = stream.shapeHandle
    await harness.db.query(`update notes set body = 'before the restart' where id = 1`)
    await same(shape)
    await harness.restart(() => harness.db.query(`insert into notes values (6, 'while it was away')`))
    await harness.db.query(`insert into notes values (7, 'after the restart')`)
    await same(shape)
    expect(stream.shapeHandle).toBe(handle)
    expect(replica.refetches).toBe(0)
    expect(replica.faults).toEqual([])
  })

  it('sends readers to fetch anew when the log or the slot is gone', async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    await harness.restart(() => rm(harness.directory, { recursive: true }))
    await harness.db.query(`update notes set body = 'without the log' where id = 2`)
    await same(shape)
    expect(replica.refetches).toBe(1)
    await harness.restart(() => dropSlot(harness.databaseUrl))
    await harness.db.query(`update notes set body = 'without the slot' where id = 2`)
    await same(shape)
    expect(replica.refetches).toBe(2)
    expect(replica.faults).toEqual([])
  })

  it('sends readers to fetch anew when somebody else has read from the slot', async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    await harness.restart(async () => {
      await harness.db.query(`update notes set body = 'taken by somebody else' where id = 3`)
      await expect.poll(() => activeSlots()).toBe(0)
      await harness.db.query(
        `select pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) from pg_replication_slots where database = current_database()`,
      )
    })
    await same(shape)
    expect(replica.refetches).toBe(1)
    expect(replica.faults).toEqual([])
  })

  it('ends a shape whose table was altered while it was away', async () => {
    await harness.db.query(`create table changing (id int primary key, v int); insert into changing values (1, 5)`)
    const shape = new Shape(harness.stream({ table: 'changing' }))
    const equal = (): Promise<void> => untilEqual(shape, 'c', () => textRows(harness.db, 'select * from changing'))
    await equal()
    await harness.restart(() => harness.db.query('alter table changing alter column v type numeric(6, 2)'))
    await equal()
    expect([...shape.currentValue.values()]).toEqual([{ id: '1', v: '5.00' }])
  })

  it('begins anew when its files are damaged', async () => {
    const shape = new Shape(harness.stream({ table: 'notes' }))
    await same(shape)
    await harness.restart(async () => {
      const [name = ''] = await readdir(harness.directory)
      await writeFile(path.join(harness.directory, name), 'not a log')
    })
    await harness.db.query(`update notes set body = 'after the damage' where id = 4`)
    await same(shape)
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
    const server = createShapeServer({ databaseUrl: url.href, directory: `${harness.directory}-other` })
    await server.start()
    expect(server.status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('ALTER ROLE') })
    await server.stop()
    await harness.db.query(`drop role ${role}`)
  })

  it('says when the publication is missing', async () => {
    const server = createShapeServer({
      databaseUrl: harness.databaseUrl,
      directory: `${harness.directory}-other`,
      publication: 'nope',
    })
    await server.start()
    expect(server.status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('run the migrations') })
    await server.stop()
  })

  it('does not make readers throw their rows away while there is nothing to fetch', async () => {
    const source = { schema: 'public', table: 'notes', replica: 'default', rows: { kind: 'all' } } as const
    const signal = new AbortController().signal
    const first = await harness.server.read(source, { offset: { at: 'now' }, live: false }, signal)
    const handle = first.headers['electric-handle']
    const offset = parseOffset(first.headers['electric-offset'] ?? '') ?? { at: 'now' }
    const live = harness.server.read(source, { offset, handle, live: true }, signal)
    await harness.server.stop()
    expect((await live).status).toBe(503)
    await harness.restart()
    expect((await harness.server.read(source, { offset, handle, live: false }, signal)).status).toBe(200)
  })

  it('keeps one slot, and lets go of it on request', async () => {
    const slots = (): Promise<unknown[]> =>
      textRows(harness.db, 'select slot_name from pg_replication_slots where database = current_database()')
    expect(await slots()).toHaveLength(1)
    await harness.server.stop()
    expect(await slots()).toHaveLength(1)
    await dropSlot(harness.databaseUrl)
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
