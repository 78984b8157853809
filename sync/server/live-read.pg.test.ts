import { createHook } from 'node:async_hooks'
import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'

const READERS = 5
const WRITES = 10

describe('a live read', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness()
    await harness.db.query(`
      create table ticks (id int primary key, n int); insert into ticks values (1, 0);
      create table piles (id int primary key, note text);
      insert into piles select n, repeat('p', 1000) from generate_series(1, 6000) n`)
  })
  afterAll(() => harness.close())

  it('touches no file: a transaction costs a write and a sync, however many read it and whatever else is made', async () => {
    const shapes = Array.from({ length: READERS }, () => new Shape(harness.stream({ table: 'ticks' })))
    const same = async (): Promise<void> => {
      for (const shape of shapes) await untilEqual(shape, 'ticks', () => textRows(harness.db, 'select * from ticks'))
    }
    await same()
    const requests = await fileRequests(async () => {
      for (let n = 1; n <= WRITES; n += 1) {
        await harness.db.query('update ticks set n = $1', [n])
        await same()
      }
    })
    // A note of how far the stream is may come in between; a file read by each reader would be twice as many.
    expect(requests).toBeLessThan(WRITES * READERS)
    // Of what is recent, a snapshot as big as all memory for it takes nothing away.
    const { offset, handle } = await end(harness)
    await harness.db.query('update ticks set n = 100')
    await same()
    await new Shape(harness.stream({ table: 'piles' })).rows
    const late = await fileRequests(async () => {
      const answer = await harness.server.read(
        { schema: 'public', table: 'ticks', replica: 'default', rows: { kind: 'all' } },
        { offset, handle, live: true },
        new AbortController().signal,
      )
      expect(answer.body).toContain('"100"')
    })
    expect(late).toBe(0)
  })
})

async function end({ server }: ShapeHarness) {
  const source = { schema: 'public', table: 'ticks', replica: 'default', rows: { kind: 'all' } } as const
  const { headers } = await server.read(source, { offset: { at: 'now' }, live: false }, new AbortController().signal)
  const [lsn = '', position = ''] = (headers['electric-offset'] ?? '').split('_')
  const offset = { at: 'log', lsn: BigInt(lsn), position: Number(position) } as const
  return { offset, handle: headers['electric-handle'] }
}

/** How often the file system was asked for anything meanwhile. */
async function fileRequests(work: () => Promise<void>): Promise<number> {
  let requests = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type.startsWith('FSREQ') || type === 'FILEHANDLE') requests += 1
    },
  }).enable()
  await work()
  hook.disable()
  return requests
}
