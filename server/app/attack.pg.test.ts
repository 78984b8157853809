import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import type { PushReply } from '../../sync/protocol/push.ts'
import { createDevice, firstMessage, type Device } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

type Person = Device & { user_id: string; email: string }

let model: MockModel
let server: TestServer
let anna: Person
let boris: Person

beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 1, tokens_per_second: 500, tokens: 5 })
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'sk-of-the-platform' })
  anna = await server.person()
  boris = await server.person()
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

/** The first result of a push of one mutation. */
async function act(person: Device, name: string, args: Record<string, unknown>) {
  const { results }: PushReply = await person.push({ name, args })
  return results[0]
}

async function makeAgent(person: Device, fields: Record<string, unknown> = {}) {
  const ids = { agent_id: newId(), draft_id: newId() }
  const result = await act(person, 'agent.create', { ...ids, fields: { name: 'Agent', ...fields } })
  expect(result?.status).toBe('applied')
  return ids
}

/** A request whose path goes out exactly as it is written, which `fetch` would tidy up. */
function postAsWritten(path: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port } = new URL(server.origin)
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        hostname,
        port,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: server.origin, ...headers },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('columns that nobody handed over', () => {
  it('are not written by an edit of a draft: it stays with its agent', async () => {
    const [official] = await server.db.query<{ id: string }>("select id from agents where slug = 'assistant'")
    const agent_id = official?.id ?? ''
    const own = await makeAgent(boris)
    const before = await draftRow(own.draft_id)
    await act(boris, 'draft.update', {
      id: own.draft_id,
      set: { name: 'Renamed', agent_id, user_id: anna.user_id, revision: 99, created_at: '1999-01-01T00:00:00Z' },
    })
    expect(await draftRow(own.draft_id)).toEqual({ ...before, name: 'Renamed', revision: 2 })
    const run = await act(boris, 'message.send', firstMessage({ agent_id, agent_version_id: null }))
    expect(run).toMatchObject({ status: 'rejected', error: { code: 'agent/not-runnable' } })
  })

  it('are not written by an edit of a chat: it keeps its agent, its version and its kind', async () => {
    const { agent_id } = await makeAgent(boris)
    const id = newId()
    await act(boris, 'chat.create', { id, chat: { agent_id, agent_version_id: null, source: 'draft', title: 'Mine' } })
    const before = await chatRow(id)
    const set = { title: 'New', agent_id: newId(), source: 'review', expires_at: '2000-01-01T00:00:00Z', context: [1] }
    expect(await act(boris, 'chat.update', { id, set })).toMatchObject({ status: 'applied' })
    expect(await chatRow(id)).toEqual({ ...before, title: 'New' })
  })

  it('are not kept inside a listing or model settings either', async () => {
    const { draft_id } = await makeAgent(boris)
    const set = {
      model_params: { temperature: 1, base_url: 'http://elsewhere', messages: [] },
      listing: { zh: { name: '名', script: 'x' } },
    }
    await act(boris, 'draft.update', { id: draft_id, set })
    const [row] = await server.db.query('select model_params, listing from agent_drafts where id = $1', [draft_id])
    expect(row).toEqual({ model_params: { temperature: 1 }, listing: { zh: { name: '名' } } })
  })

  it('do not hold up a device that names them', async () => {
    const { draft_id } = await makeAgent(boris)
    expect(await act(boris, 'draft.update', { id: draft_id, set: { of_a_later_version: 1 } })).toMatchObject({
      status: 'applied',
    })
  })

  async function draftRow(id: string) {
    const [row] = await server.db.query(
      'select agent_id, user_id, name, revision, created_at from agent_drafts where id = $1',
      [id],
    )
    return row
  }

  async function chatRow(id: string) {
    const [row] = await server.db.query(
      'select title, agent_id, agent_version_id, source, expires_at, context from chats where id = $1',
      [id],
    )
    return row
  }
})

describe('a mutation that cannot be stored', () => {
  it('is refused, so that the device moves on, however deep its JSON is', async () => {
    const { draft_id } = await makeAgent(anna)
    for (const levels of [500, 5_000, 100_000]) {
      const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`
      for (const [name, args] of [
        ['preference.set', `{"key":"deep","value":${nested}}`],
        ['draft.update', `{"id":"${draft_id}","set":{"workflow_definition":${nested}}}`],
      ]) {
        const reply = await anna.request('POST', '/api/sync/push', rawPush(name ?? '', args ?? ''))
        expect(reply.status).toBe(200)
        expect(reply.text).toContain('"row/invalid"')
      }
    }
  })

  it('is refused for half a surrogate, NUL and numbers out of range', async () => {
    for (const value of ['"\\ud800"', '{"\\udc00":1}', '"a\\u0000"', '{"a\\u0000":1}']) {
      const reply = await anna.request(
        'POST',
        '/api/sync/push',
        rawPush('preference.set', `{"key":"odd","value":${value}}`),
      )
      expect(reply.status, value).toBe(200)
      expect(reply.text, value).toContain('"row/invalid"')
    }
  })

  it('writes nothing to the prototype of anything', async () => {
    const args =
      '{"key":"proto","value":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    expect((await anna.request('POST', '/api/sync/push', rawPush('preference.set', args))).status).toBe(200)
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const reply = await anna.request('POST', '/api/sync/push', rawPush(name, '{}'))
      expect(reply.text).toContain('sync/unknown-mutation')
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('counts as decided when its place in the outbox jumped ahead and fell back', async () => {
    const device_id = newId()
    const ahead = await anna.request(
      'POST',
      '/api/sync/push',
      rawPush('preference.set', '{"key":"a","value":1}', { device_id, seq: 5_000 }),
    )
    const behind = await anna.request(
      'POST',
      '/api/sync/push',
      rawPush('preference.set', '{"key":"a","value":2}', { device_id, seq: 10 }),
    )
    expect([ahead.text, behind.text].map((text) => JSON.parse(text).results[0].status)).toEqual([
      'applied',
      'duplicate',
    ])
    for (const seq of [-1, 0, 1.5, 2 ** 53]) {
      expect((await anna.request('POST', '/api/sync/push', rawPush('preference.set', '{}', { seq }))).status).toBe(400)
    }
  })

  it('takes times from year 1 and from year 9999, and no row is made in the future', async () => {
    const { agent_id } = await makeAgent(anna)
    for (const [created_at, hlc] of [
      ['9999-12-31T23:59:59Z', '9999999999999-ffff-z'],
      ['0001-01-01T00:00:00Z', '0000000000000-0000-a'],
    ]) {
      const id = newId()
      const chat = { agent_id, agent_version_id: null, source: 'draft', title: 'Time' }
      const body = rawPush('chat.create', JSON.stringify({ id, chat }), { created_at, hlc })
      expect((await anna.request('POST', '/api/sync/push', body)).text).toContain('applied')
      const [row] = await server.db.query('select created_at <= now() as past from chats where id = $1', [id])
      expect(row).toEqual({ past: true })
    }
  })

  function rawPush(name: string, args: string, more: Record<string, unknown> = {}): string {
    const { device_id = newId(), ...rest } = more
    const mutation = { seq: 1, hlc: `${Date.now()}-0000-a`, created_at: '2026-01-01T00:00:00Z', ...rest }
    const fields = Object.entries({ id: newId(), name, version: 1, ...mutation }).map(
      ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
    )
    return `{"protocol":1,"device_id":"${device_id}","mutations":[{${fields.join(',')},"args":${args}}]}`
  }
})

describe('another person’s rows', () => {
  it('are in no answer to a handle, an offset or a name that is theirs', async () => {
    await act(anna, 'preference.set', { key: 'mine', value: 'words of Anna' })
    for (const shape of ['preferences', 'chats', 'messages', 'drafts', 'agents_mine', 'runs', 'acks']) {
      const own = await anna.request('GET', `/api/sync/shapes/${shape}?offset=-1`)
      expect(own.status).toBe(200)
      const handle = own.headers.get('electric-handle')
      const offset = own.headers.get('electric-offset')
      for (const query of [
        `offset=${offset}&handle=${handle}`,
        `offset=0_inf&handle=${handle}`,
        `offset=${offset}&handle=${handle}&live=true`,
        `offset=-1&handle=${handle}`,
        `offset=-1&user_id=${anna.user_id}&owner=${anna.user_id}`,
      ]) {
        const reply = await boris.request('GET', `/api/sync/shapes/${shape}?${query}`)
        expect([200, 409], `${shape}?${query}`).toContain(reply.status)
        expect(reply.text, `${shape}?${query}`).not.toContain(anna.user_id)
      }
    }
  })

  it('are not on the socket either', async () => {
    const own = await anna.request('GET', '/api/sync/shapes/preferences?offset=-1')
    const handle = own.headers.get('electric-handle')
    const socket = await boris.socket()
    for (const [id, query] of [
      { offset: '0_inf', handle },
      { offset: own.headers.get('electric-offset'), handle, live: 'true' },
      { offset: '-1', epoch: '999' },
    ].entries()) {
      socket.send({ t: 'poll', id, shape: 'preferences', query })
      const reply = await socket.until((frame) => frame.t === 'poll.reply' && frame.id === id)
      expect(reply).toMatchObject({ status: 409 })
    }
    socket.close()
  })
})

describe('an agent that nobody has approved', () => {
  it('runs for its author only, by push, by program and by slug', async () => {
    const { agent_id } = await makeAgent(anna)
    const submitted = await anna.request('POST', `/api/agents/${agent_id}/submit`, {
      version: '1.0.0',
      changelog: '',
      revision: 1,
    })
    expect(submitted.status).toBe(200)
    const agent_version_id = String(submitted.json()['id'])
    const reviewer = await server.person(['user', 'reviewer'])
    for (const person of [boris, reviewer, await server.person(['user', 'admin'])]) {
      for (const version of [agent_version_id, null]) {
        const sent = await act(person, 'message.send', firstMessage({ agent_id, agent_version_id: version }))
        expect(sent).toMatchObject({ status: 'rejected', error: { code: 'agent/not-runnable' } })
      }
    }
    const [agent] = await server.db.query<{ slug: string }>('select slug from agents where id = $1', [agent_id])
    const { key } = (await boris.request('POST', '/api/keys', { name: 'mine' })).json()
    for (const name of [agent?.slug, agent_id, agent_version_id]) {
      const reply = await boris.request(
        'POST',
        '/v1/chat/completions',
        { model: `agent/${name}`, messages: [{ role: 'user', content: 'hello' }] },
        { authorization: `Bearer ${key}` },
      )
      expect(reply.status).toBe(404)
    }
  })

  it('has one fate when it is withdrawn, approved and rejected at once', async () => {
    const { agent_id } = await makeAgent(anna)
    const first = await server.person(['user', 'reviewer'])
    const second = await server.person(['user', 'reviewer'])
    const submitted = await anna.request('POST', `/api/agents/${agent_id}/submit`, {
      version: '1.0.0',
      changelog: '',
      revision: 1,
    })
    const id = String(submitted.json()['id'])
    const replies = await Promise.all([
      anna.request('POST', `/api/agents/${agent_id}/versions/${id}/withdraw`, {}),
      first.request('POST', `/api/reviews/${id}/decision`, { decision: 'approve', reason: '' }),
      second.request('POST', `/api/reviews/${id}/decision`, { decision: 'reject', reason: 'no' }),
    ])
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 409, 409])
    const actions = await server.db.query('select 1 from agent_reviews where agent_version_id = $1', [id])
    expect(actions).toHaveLength(2)
  })
})

describe('sign-in', () => {
  it('cannot evade its limit by another spelling of the address, a form or a forged origin address', async () => {
    const wrong = (n: number) => JSON.stringify({ email: 'target@example.com', password: `wrong password ${n}` })
    const statuses: number[] = []
    for (let n = 0; n < 12; n++) {
      const from = `203.0.113.${n}`
      const forged = {
        'x-forwarded-for': from,
        'x-real-ip': from,
        forwarded: `for=${from}`,
        'x-banyan-client-ip': from,
      }
      statuses.push(await postAsWritten('/api/auth/sign-in/email', wrong(n), forged))
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    expect(statuses.slice(10)).toEqual([429, 429])
    for (const path of [
      '/api/auth/./sign-in/email',
      '/api/auth/x/../sign-in/email',
      '/api/auth/%2e/sign-in/email',
      '/api/auth//sign-in/email',
      '/api/auth/sign-in%2Femail',
      '/API/auth/sign-in/email',
      '/api/auth/sign-in/email/',
      '/api/auth/\\sign-in\\email',
    ]) {
      expect([404, 429], path).toContain(await postAsWritten(path, wrong(0)))
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await postAsWritten('/api/auth/sign-in/email', 'email=target%40example.com&password=wrong', form)).toBe(400)
  }, 30_000)

  it('gives nobody a role, an epoch, a picture or a name without end', async () => {
    const person = createDevice(server.origin)
    const account = { email: 'greedy@example.com', password: 'a long enough password' }
    const signUp = (more: object) =>
      person.request('POST', '/api/auth/sign-up/email', { name: 'Greedy', ...account, ...more })
    for (const more of [{ name: 'x'.repeat(101) }, { name: ' ' }, { name: 'a\u0000b' }, { image: 'javascript:1' }]) {
      expect((await signUp(more)).status).toBe(400)
    }
    expect((await signUp({ roles: ['admin'], epoch: 9, emailVerified: true })).status).toBe(200)
    await person.request('POST', '/api/auth/update-user', { roles: ['admin'], epoch: 9 })
    for (const name of ['', 'x'.repeat(50_000), 5]) {
      expect((await person.request('POST', '/api/auth/update-user', { name })).status).toBe(400)
    }
    const [row] = await server.db.query('select name, roles, epoch, email_verified from users where email = $1', [
      account.email,
    ])
    expect(row).toEqual({ name: 'Greedy', roles: ['user', 'developer'], epoch: 1, email_verified: false })
  })
})

describe('a disabled account', () => {
  it('has no session any more, and gets none', async () => {
    const admin = await server.person(['user', 'admin'])
    const person = await server.person()
    expect((await admin.request('PATCH', `/api/users/${person.user_id}`, { disabled: true })).status).toBe(200)
    expect((await person.request('GET', '/api/keys')).status).toBe(401)
    const again = createDevice(server.origin)
    const credentials = { email: person.email, password: 'a long enough password' }
    const reply = await again.request('POST', '/api/auth/sign-in/email', credentials)
    expect(reply.status).toBe(403)
    expect(again.cookie).toBe('')
    const guess = { ...credentials, password: 'not the password' }
    expect((await again.request('POST', '/api/auth/sign-in/email', guess)).status).toBe(401)
    await admin.request('PATCH', `/api/users/${person.user_id}`, { disabled: false })
    expect((await again.request('POST', '/api/auth/sign-in/email', credentials)).status).toBe(200)
    expect((await again.request('GET', '/api/keys')).status).toBe(200)
    expect((await again.request('GET', '/api/auth/get-session')).text).not.toMatch(/disabled/i)
  })
})
