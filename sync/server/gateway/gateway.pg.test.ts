import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../../shared/kernel/id.ts'
import { createElectricUpstream } from './electric-upstream.ts'
import { createGateway, type GatewayResponse } from './gateway.ts'
import { SECRET, startShapeHarness, textRows, untilEqual, type ShapeHarness } from '../testing.ts'

describe('the gateway', () => {
  const ann = newId()
  const bob = newId()
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness()
    await harness.db.query(
      `insert into users (id, name, email) values ($1, 'Ann', 'ann@x.org'), ($2, 'Bob', 'bob@x.org')`,
      [ann, bob],
    )
    await harness.db.query(
      `insert into preferences (user_id, key, value, hlc) values ($1, 'theme', '"dark"', 'h'), ($2, 'secret', '"of bob"', 'h')`,
      [ann, bob],
    )
  })
  afterAll(() => harness.close())

  const ask = (path: string, headers: Record<string, string> = { 'x-user': ann }): Promise<Response> =>
    fetch(`${harness.url}/api/sync/shapes/${path}`, { headers })

  it('keeps the unmodified client in step with one person’s rows', async () => {
    const shape = new Shape(harness.owned('preferences', ann))
    const same = (): Promise<void> =>
      untilEqual(shape, 'ann', () => textRows(harness.db, 'select * from preferences where user_id = $1', [ann]))
    await same()
    await harness.db.query(`update preferences set value = '{"a": [1, null]}'`)
    await harness.db.query(
      `insert into preferences (user_id, key, value, hlc) values ($1, 'new', 'true', 'h'), ($2, 'new', 'true', 'h')`,
      [ann, bob],
    )
    await same()
    await harness.db.query(`delete from preferences where key = 'new'`)
    await same()
    expect([...shape.currentValue.values()].every((row) => row['user_id'] === ann)).toBe(true)
  })

  it.each([
    ['where', 'where=true'],
    ['table', 'table=users'],
    ['columns', 'columns=value'],
    ['params', `params[1]=${bob}`],
    ['JSON params', `params=${encodeURIComponent(JSON.stringify({ 1: bob }))}`],
    ['secret', 'secret=test-secret'],
    ['subset', 'subset__where=true'],
    ['log', 'log=changes_only'],
    ['subset', 'subset=chat&log=changes_only'],
  ])('refuses the parameter %s', async (_name, query) => {
    const answer = await ask(`preferences?offset=-1&${query}`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).not.toContain('of bob')
  })

  it('ignores parameters that it does not know', async () => {
    const answer = await ask(`preferences?offset=-1&user_id=${bob}&owner=${bob}&replica=full`)
    expect(answer.status).toBe(200)
    const body = await answer.text()
    expect(body).toContain(ann)
    expect(body).not.toContain(bob)
  })

  it('does not answer with the log of another person’s handle', async () => {
    const handle = (await ask('preferences?offset=-1', { 'x-user': bob })).headers.get('electric-handle')
    const answer = await ask(`preferences?offset=0_inf&handle=${handle}`)
    expect(answer.status).toBe(409)
    expect(await answer.text()).not.toContain('of bob')
  })

  it('treats an owner that is no id as nobody', async () => {
    const answer = await ask('preferences?offset=-1', { 'x-user': `' or true --` })
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toContain('of bob')
  })

  it('answers 404 for shapes that nobody named', async () => {
    for (const name of ['users', 'sessions', '__proto__', 'constructor']) {
      const answer = await ask(`${name}?offset=-1`)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ error: { code: 'sync/unknown-shape' } })
    }
  })

  it('lets no cache keep an answer, and no other origin read it', async () => {
    for (const path of [
      'preferences?offset=-1',
      'preferences?offset=x',
      'nothing',
      'preferences?offset=0_inf&handle=1-1',
    ]) {
      const answer = await ask(path, { 'x-user': ann, origin: 'https://elsewhere.example' })
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('sends a client of an older epoch to fetch anew, and it recovers by asking its epoch again', async () => {
    let asked = 0
    const shape = new Shape(
      harness.owned('preferences', ann, {
        epoch: () => {
          asked += 1
          return asked === 1 ? '0' : '1'
        },
      }),
    )
    await untilEqual(shape, 'ann', () => textRows(harness.db, 'select * from preferences where user_id = $1', [ann]))
    expect(asked).toBeGreaterThan(1)
  })

  it('works the same in front of an Electric elsewhere', async () => {
    // Our own /v1/shape stands in for it.
    const upstream = createElectricUpstream({ url: harness.url, secret: SECRET })
    const gateway = createGateway({ upstream })
    const { signal } = new AbortController()
    const request = (query: Record<string, string>, until = signal): Promise<GatewayResponse> =>
      gateway.handle({ shape: 'preferences', query, user_id: ann, epoch: 1 }, until)
    const first = await request({ offset: '-1' })
    expect(first).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'private, no-store', 'electric-offset': '0_0' },
    })
    expect(first.body).toContain(ann)
    expect(first.body).not.toContain(bob)
    const handle = first.headers['electric-handle'] ?? ''
    expect((await request({ offset: '0_inf', handle: '1-1' })).status).toBe(409)
    const end = (await request({ offset: 'now' })).headers['electric-offset'] ?? ''
    for (const shape of ['chats', 'messages', 'runs'])
      expect(await gateway.handle({ shape, query: { offset: '-1' }, user_id: ann, epoch: 1 }, signal)).toMatchObject({
        status: 200,
      })
    const aborted = new AbortController()
    setTimeout(() => aborted.abort(), 50)
    const started = performance.now()
    expect((await request({ offset: end, handle, live: 'true' }, aborted.signal)).status).toBe(503)
    expect(performance.now() - started).toBeLessThan(1_000)
    await upstream.close()
    expect(await request({ offset: '-1' })).toMatchObject({ status: 503 })
  })

  it('serves every named shape', async () => {
    for (const name of [
      'acks',
      'chats',
      'messages',
      'branch_choices',
      'drafts',
      'agents_mine',
      'installs',
      'tasks',
      'preferences',
      'runs',
    ]) {
      const answer = await ask(`${name}?offset=-1&epoch=1`)
      expect([name, answer.status]).toEqual([name, 200])
    }
  })
})
