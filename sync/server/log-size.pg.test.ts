import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StrictReplica } from './testing-replica.ts'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'

const MEGABYTE = 1024 * 1024

describe('the log on the disk', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({
      reconcileMs: 100,
      segmentSize: 128 * 1024,
      limits: { chunkSize: 50_000, longLog: MEGABYTE },
    })
    await harness.db.query(
      `create table rows (id int primary key, note text); insert into rows select n, repeat('n', 500) from generate_series(1, 50) n`,
    )
  })
  afterAll(() => harness.close())

  const same = (shape: Shape): Promise<void> =>
    untilEqual(shape, 'rows', () => textRows(harness.db, 'select * from rows'))
  const size = async (): Promise<number> => {
    const names = await readdir(harness.directory)
    const sizes = await Promise.all(
      names.map((name) =>
        stat(path.join(harness.directory, name)).then(
          (file) => file.size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, bytes) => sum + bytes, 0)
  }

  it(
    'stays small while rows change all the time, and readers who keep up notice nothing',
    { timeout: 60_000 },
    async () => {
      const stream = harness.stream({ table: 'rows' })
      const replica = new StrictReplica(stream)
      const shape = new Shape(stream)
      await same(shape)
      for (let round = 0; round < 300; round += 1) {
        await harness.db.query(`update rows set note = repeat('n', 497) || $1`, [round])
        if (round % 10 === 9) await same(shape)
      }
      await same(shape)
      // 300 rounds are 9 MB of messages.
      await expect.poll(size, { timeout: 10_000 }).toBeLessThan(4 * MEGABYTE)
      expect(replica.refetches).toBe(0)
      expect(replica.faults).toEqual([])
    },
  )

  it('serves a shape whose beginning is gone also after a restart', async () => {
    const stream = harness.stream({ table: 'rows' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    await same(shape)
    // The beginning may go while a new reader is on its way through it: then it has fetched anew already.
    await expect.poll(() => replica.upToDate).toBe(true)
    const before = replica.refetches
    await harness.restart(() => harness.db.query(`update rows set note = 'while it was away' where id = 1`))
    await same(shape)
    await harness.db.query(`update rows set note = 'after' where id = 2`)
    await same(shape)
    expect(replica.refetches).toBe(before)
    expect(replica.faults).toEqual([])
  })

  it('sends a reader to fetch anew who is behind the beginning', async () => {
    const source = { schema: 'public', table: 'rows', replica: 'default', rows: { kind: 'all' } } as const
    const signal = new AbortController().signal
    const first = await harness.server.read(source, { offset: { at: 'before' }, live: false }, signal)
    const handle = first.headers['electric-handle']
    for (let round = 0; round < 100; round += 1)
      await harness.db.query(`update rows set note = repeat('m', 499) || $1`, [round % 10])
    const behind = async (): Promise<number> =>
      (await harness.server.read(source, { offset: { at: 'snapshot', chunk: 0 }, handle, live: false }, signal)).status
    await expect.poll(behind, { timeout: 10_000 }).toBe(409)
    const answer = await harness.server.read(source, { offset: { at: 'before' }, live: false }, signal)
    expect(answer.status).toBe(200)
    expect(answer.headers['electric-handle']).not.toBe(handle)
  })
})
