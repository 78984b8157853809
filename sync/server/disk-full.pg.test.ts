import { existsSync } from 'node:fs'
import { readdir, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog, type SyncLog } from './sync-log.ts'
import { SECRET, startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'

/** A device on which every write fails with ENOSPC. */
const FULL = '/dev/full'
/** How often the log is opened again before there is room. */
const FAILURES = 4

// A segment of the log that leads to the full device fails where a full disk would: in the kernel.
describe.skipIf(!existsSync(FULL))(`a disk that is full for a while (needs ${FULL}, which Linux has)`, () => {
  let harness: ShapeHarness
  const failures: string[] = []
  const pauses: number[] = []
  const log: SyncLog = {
    ...silentLog,
    warn: ({ event, again_ms }) => event === 'sync.replication-lost' && pauses.push(Number(again_ms)),
    error: ({ event, error }) => event === 'sync.disk-failed' && failures.push(String(error)),
  }

  beforeAll(async () => {
    harness = await startShapeHarness({ segmentSize: 16 * 1024, log })
    await harness.db.query(
      `create table notes (id int primary key, body text); insert into notes select n, 'note' from generate_series(1, 5) n`,
    )
  })
  afterAll(() => harness.close())

  const write = (id: number, body: string): Promise<unknown> =>
    harness.db.query('insert into notes values ($1, $2)', [id, body])
  const read = (query: string): Promise<Response> =>
    fetch(`${harness.url}/v1/shape?secret=${SECRET}&table=notes&${query}`)
  const newest = async (): Promise<number> => {
    const names = await readdir(harness.directory)
    return Math.max(...names.map((name) => Number.parseInt(name, 10)))
  }
  const segment = (number: number): string => path.join(harness.directory, `${String(number).padStart(8, '0')}.log`)

  it('is asked ever less often, answers 503 meanwhile, and costs no reader anything', { timeout: 60_000 }, async () => {
    const streams = [{}, { liveSse: true }].map((options) =>
      harness.stream({ table: 'notes' }, { ...options, onError: () => ({}) }),
    )
    const readers = streams.map((stream) => ({ stream, replica: new StrictReplica(stream), shape: new Shape(stream) }))
    const same = async (): Promise<void> => {
      for (const { shape } of readers)
        await untilEqual(shape, 'notes', () => textRows(harness.db, 'select * from notes'), 20_000)
    }
    await same()
    const handles = readers.map(({ stream }) => stream.shapeHandle)

    const full = segment((await newest()) + 1)
    await symlink(FULL, full)
    await write(10, 'x'.repeat(20_000))
    await same()
    await write(11, 'the first that finds no room')
    await expect.poll(() => failures.length, { timeout: 5_000, interval: 5 }).toBeGreaterThan(0)
    expect(failures[0]).toContain('ENOSPC')
    const refused = await read(`offset=-1&where=${encodeURIComponent("body <> 'new to the server'")}`)
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, expect.toSatisfy((n) => n > 0)])
    await write(12, 'written while there is none')
    await expect.poll(() => failures.length, { timeout: 20_000, interval: 20 }).toBeGreaterThanOrEqual(FAILURES)
    // Each is twice as long as the one before, less at most a half.
    for (let round = 0; round < FAILURES; round += 1) expect(pauses[round]).toBeGreaterThanOrEqual(100 * 2 ** round)

    await rm(full)
    await write(13, 'after')
    await same()
    expect(harness.server.status()).toMatchObject({ state: 'up', reason: undefined })
    expect(readers.map(({ stream }) => stream.shapeHandle)).toEqual(handles)
    for (const { replica } of readers) expect([replica.faults, replica.refetches]).toEqual([[], 0])
    // And on the disk: what was read is there after a restart.
    await harness.restart(() => write(14, 'while it was away'))
    await same()
    expect(readers.map(({ replica }) => replica.refetches)).toEqual([0, 0])
  })
})
