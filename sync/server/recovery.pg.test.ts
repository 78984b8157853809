import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
