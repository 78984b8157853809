import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, startShapeHarness, type ShapeHarness } from '../testing.ts'

// What the contract (`../contract`) leaves to each server.
describe('our door to shapes', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({ maxReads: { initial: 2, following: 3 } })
    await harness.db.query('create table kinds (id int primary key); insert into kinds values (1)')
  })
  afterAll(() => harness.close())

  const ask = (query: string, init?: RequestInit): Promise<Response> =>
    fetch(`${harness.url}/v1/shape?secret=${SECRET}&${query}`, init)

  it('is not there under any other spelling of its path', async () => {
    for (const path of ['/v1/shape/', '//v1/shape', '/v1/%73hape', '/V1/shape', '/v1/shape/x', '/v1/./shape%2f']) {
      expect([path, (await fetch(`${harness.url}${path}?table=kinds&offset=-1`)).status]).toEqual([path, 404])
    }
  })

  it('ends a log on DELETE, by its handle or by what it holds, if both are of one shape', async () => {
    const remove = async (query: string): Promise<number> => (await ask(query, { method: 'DELETE' })).status
    const start = await ask('table=kinds&offset=now')
    const [handle, offset] = [start.headers.get('electric-handle'), start.headers.get('electric-offset')]
    expect(await remove(`table=kinds&where=id%3D1&handle=${handle}`)).toBe(404)
    expect(await remove('handle=1-1')).toBe(404)
    const live = ask(`table=kinds&offset=${offset}&handle=${handle}&live=true`)
    expect(await remove(`handle=${handle}`)).toBe(202)
    expect((await live).status).toBe(409)
    expect((await ask(`table=kinds&offset=0_inf&handle=${handle}`)).status).toBe(409)
    await ask('table=kinds&offset=-1')
    expect(await remove('table=kinds')).toBe(202)
    expect(await remove('table=kinds')).toBe(404)
  })

  it('lets only so many read at one time, and says when to come again', async () => {
    const start = await ask('table=kinds&offset=now')
    const query = `table=kinds&offset=${start.headers.get('electric-offset')}&handle=${start.headers.get('electric-handle')}`
    const gone = new AbortController()
    const waiting = [1, 2, 3].map(() => ask(`${query}&live=true`, { signal: gone.signal }).catch(() => undefined))
    await expect.poll(() => harness.server.status().reads).toBe(3)
    const refused = await ask(query)
    expect([refused.status, (await refused.json()).code]).toEqual([503, 'concurrent_request_limit_exceeded'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    // Whoever starts anew is counted apart.
    expect((await ask('table=kinds&offset=-1')).status).toBe(200)
    gone.abort()
    await Promise.all(waiting)
    await expect.poll(() => harness.server.status().reads).toBe(0)
    expect((await ask(query)).status).toBe(200)
  })
})

describe('a table that is not published', () => {
  it('cannot be read', async () => {
    const harness = await startShapeHarness({ anyTable: false })
    const answer = await fetch(`${harness.url}/v1/shape?secret=${SECRET}&table=users&offset=-1`)
    expect([answer.status, Object.keys((await answer.json()).errors)]).toEqual([400, ['table']])
    const removed = await fetch(`${harness.url}/v1/shape?secret=${SECRET}&handle=1-1`, { method: 'DELETE' })
    expect(removed.status).toBe(405)
    await harness.close()
  })
})
