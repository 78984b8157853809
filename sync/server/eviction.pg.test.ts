import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, startShapeHarness, type ShapeHarness } from './testing.ts'

const MOST = 3

describe('a server with more shapes than it may keep', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({ reconcileMs: 50, limits: { maxShapes: MOST } })
    await harness.db.query(`
      create table notes (id int primary key, owner int, body text);
      insert into notes select n, n % 10, 'note' from generate_series(1, 50) n`)
  })
  afterAll(() => harness.close())

  const read = (owner: number, query: string, signal?: AbortSignal): Promise<Response> =>
    fetch(`${harness.url}/v1/shape?secret=${SECRET}&table=notes&where=owner%3D${owner}&${query}`, {
      signal: signal ?? null,
    })
  const open = async (owner: number): Promise<string> => {
    const { headers } = await read(owner, 'offset=now')
    return `offset=${headers.get('electric-offset')}&handle=${headers.get('electric-handle')}`
  }

  it('lets go of the one least recently read, never of one that is being read, and goes on without it after a restart', async () => {
    const first = await open(1)
    const second = await open(2)
    const third = await open(3)
    await read(2, second)
    const gone = new AbortController()
    const waits = read(1, `${first}&live=true`, gone.signal)
    await expect.poll(() => harness.server.status().reads).toBe(1)
    await open(4)
    await expect.poll(() => harness.server.status().shapes).toBe(MOST)
    expect((await read(3, third)).status).toBe(409)
    expect((await read(2, second)).status).toBe(200)
    await harness.db.query(`update notes set body = 'told' where owner = 1`)
    const told = await waits
    expect([told.status, await told.text()]).toEqual([200, expect.stringContaining('told')])
    await harness.restart()
    expect(harness.server.status().shapes).toBe(MOST)
    expect((await read(3, third)).status).toBe(409)
    expect((await read(2, second)).status).toBe(200)
  })
})
