import { readFileSync } from 'node:fs'
import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { replicaOver, replicaPg } from '../testing/replica-pg.ts'
import type { Trace } from '../testing/trace.ts'
import { TraceServer, type Place } from '../testing/trace-server.ts'
import { ShapeFeed } from './shape-feed.ts'

// Recorded from the embedded server (`server/record-trace.pg.test.ts`): snapshot, log, 409, change of schema.
const TRACE: Trace = JSON.parse(readFileSync(new URL('../testing/trace.json', import.meta.url), 'utf8'))
const { places, end } = new TraceServer(TRACE)
const PATIENCE_MS = 8_000

let pg: PGlite
beforeAll(async () => {
  pg = await replicaPg()
})
afterAll(() => pg.close())
beforeEach(() => clear())

const clear = () => pg.exec('truncate preferences_synced, sync_cursor, sync_errors')
const open = () => replicaOver(pg, '')

/** Follows the trace with a replica until it is at the end, or `died`; answers whether it is. */
async function follow(server: TraceServer, died: () => boolean): Promise<void> {
  const replica = await open()
  const feed = new ShapeFeed('preferences', 'http://trace/preferences', server.fetch, {
    position: async (shape) => replica.position(shape),
    wanted: () => expect.unreachable(),
    apply: async (shape, batch) => void (await replica.apply(shape, batch)),
    refetching: (shape) => replica.refetching(shape),
    revoked: async () => expect.unreachable(),
    failed: () => undefined,
  })
  void feed.run()
  const deadline = Date.now() + PATIENCE_MS
  const arrived = () => {
    const position = replica.position('preferences')
    const lsn = replica.cursors().get('preferences')?.lsn
    return position?.handle === end.handle && position.offset === end.offset && lsn === end.lsn
  }
  while (!died() && !arrived()) {
    if (Date.now() > deadline) throw new Error(`stands at ${JSON.stringify(replica.position('preferences'))}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  feed.stop()
  expect(replica.takeDamage('preferences')).toBe(false)
}

async function expectAllThere(): Promise<void> {
  const { rows } = await pg.query('select key, value::text as value from preferences_synced order by key')
  expect(rows).toEqual(TRACE.rows)
  expect((await pg.query('select 1 from sync_errors')).rows).toEqual([])
}

async function replay(cut?: Place, dies = false): Promise<void> {
  let dead = false
  const server = new TraceServer(TRACE, cut, dies ? () => void (dead = true) : undefined)
  await follow(server, () => dead)
  if (dead) await follow(server, () => false)
  await expectAllThere()
}

test('a recorded trace leads to the rows of the table', () => replay())

test('wherever an answer ends, the same rows and the same position come of it (I11)', async () => {
  expect(places.length).toBeGreaterThan(20)
  for (const place of places) {
    await clear()
    await replay(place)
  }
}, 60_000)

test('wherever the process ends, the next one goes on to the same rows and position (I11)', async () => {
  for (const place of places) {
    await clear()
    await replay(place, true)
  }
}, 60_000)
