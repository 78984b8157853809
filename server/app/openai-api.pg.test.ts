import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
let model: MockModel
let client: OpenAI
let user_id: string

beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 5, tokens_per_second: 2000, tokens: 20 })
  server = await startTestServer({
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'platform-secret-key',
    OPENAI_MODEL: 'mock-1',
  })
  const person = await server.person()
  user_id = person.user_id
  const key = (await person.request('POST', '/api/keys', { name: 'test' })).json()
  client = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key['key']), maxRetries: 0 })
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

const messages = [
  { role: 'system' as const, content: 'Answer in one word.' },
  { role: 'user' as const, content: 'Hello' },
]

describe('the official openai client', () => {
  it('lists published agents and the provider’s models', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    expect(ids).toContain('agent/assistant')
    expect(ids).toContain('agent/translator')
  })

  it('runs an agent, whole, as a real execution in a hidden chat that expires', async () => {
    const completion = await client.chat.completions.create({ model: 'agent/assistant', messages })
    expect(completion.choices[0]?.message.content?.length).toBeGreaterThan(10)
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0)
    const runs = await server.db.query(
      'select e.status, c.source, c.expires_at is not null as expires from workflow_executions e join chats c on c.id = e.chat_id where e.user_id = $1',
      [user_id],
    )
    expect(runs).toContainEqual({ status: 'completed', source: 'api', expires: true })
  })

  it('streams an agent token by token, with usage at the end', async () => {
    const stream = await client.chat.completions.create({
      model: 'agent/assistant',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let chunks = 0
    let usage: { completion_tokens: number } | null | undefined
    for await (const chunk of stream) {
      chunks += 1
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(chunks).toBeGreaterThan(3)
    expect(text.length).toBeGreaterThan(10)
    expect(usage?.completion_tokens).toBeGreaterThan(0)
  })

  it('answers an agent that calls no model, too', async () => {
    const completion = await client.chat.completions.create({
      model: 'agent/meeting-minutes',
      messages: [{ role: 'user', content: '太短' }],
    })
    expect(completion.choices[0]?.message.content).toContain('太短')
  })

  it('is told that an answer was cut where a message is full', async () => {
    model.set({ answer: `${'字'.repeat(100)} `.repeat(1_000), tokens_per_second: 10_000 })
    const completion = await client.chat.completions.create({ model: 'agent/assistant', messages })
    model.set({ answer: undefined, tokens_per_second: 2000 })
    expect(completion.choices[0]?.finish_reason).toBe('length')
    expect(Buffer.byteLength(completion.choices[0]?.message.content ?? '')).toBeGreaterThan(256 * 1024 - 3)
  })

  it('passes a plain model name on, streamed and whole, with the platform’s key', async () => {
    const whole = await client.chat.completions.create({ model: 'mock-1', messages })
    expect(whole.choices[0]?.message.content?.length).toBeGreaterThan(10)
    const stream = await client.chat.completions.create({ model: 'mock-1', messages, stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text.length).toBeGreaterThan(10)
    expect(model.requests.at(-1)?.authorization).toBe('Bearer platform-secret-key')
    const [usage] = await server.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
      user_id,
    ])
    expect(usage?.tokens).toBeGreaterThan(0)
  })

  it.each([
    ['the caller leaves', {}],
    ['the stream breaks', { fault: 'reset' as const }],
  ])('counts the tokens of a plain model when %s before its end', async (_, fault) => {
    const person = await server.person()
    const { key } = (await person.request('POST', '/api/keys', { name: 'mine' })).json()
    const own = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 })
    model.set({ tokens_per_second: 100, ...fault })
    const stream = await own.chat.completions.create({ model: 'mock-1', messages, stream: true })
    const heard = async () => {
      let words = 0
      for await (const chunk of stream)
        if (chunk.choices[0]?.delta.content && ++words === 5 && !('fault' in fault)) break
    }
    await heard().catch(() => undefined)
    const spent = async () => {
      const [day] = await server.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
        person.user_id,
      ])
      return day?.tokens ?? 0
    }
    // The question alone is nine tokens by our estimate.
    await expect.poll(spent, { timeout: 5_000 }).toBeGreaterThan(15)
    const [audit] = await server.db.query(
      "select outcome from audit_log where actor_id = $1 and action = 'api.model'",
      [person.user_id],
    )
    expect(audit).toEqual({ outcome: 'failed' })
    model.set({ tokens_per_second: 2000, fault: undefined })
  })

  it.each([
    ['hears nothing', { fault: 'silence' as const }, 502, 'model/bad-answer'],
    ['gets a page of HTML', { fault: 'rubbish' as const }, 502, 'model/bad-answer'],
    ['gets values of wrong types', { fault: 'wrong-types' as const }, 502, 'model/bad-answer'],
    ['is down', { fault: 'error' as const }, 502, 'model/unavailable'],
    ['asks for patience', { fault: 'rate-limit' as const, retry_after_seconds: 60 }, 503, 'model/rate-limited'],
  ])('is told in OpenAI’s own errors when the platform %s', async (_, fault, status, code) => {
    model.set(fault)
    const ask = (name: string) => client.chat.completions.create({ model: name, messages })
    await expect(ask('mock-1')).rejects.toMatchObject({ status, code, type: 'api_error' })
    await expect(ask('agent/assistant')).rejects.toMatchObject({ status, code, type: 'api_error' })
    model.set({ fault: undefined })
    await ask('mock-1')
  })

  it('is told what is wrong in OpenAI’s own errors', async () => {
    await expect(client.chat.completions.create({ model: 'agent/no-such', messages })).rejects.toMatchObject({
      status: 404,
      code: 'model/not-found',
    })
    await expect(client.chat.completions.create({ model: 'agent/assistant', messages: [] })).rejects.toMatchObject({
      status: 400,
    })
    const stranger = new OpenAI({
      baseURL: `${server.origin}/v1`,
      apiKey: 'bny_wrong_key_wrong_key_wrong',
      maxRetries: 0,
    })
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 })
  })

  it('works with a key until it is revoked, and never with a cookie', async () => {
    const person = await server.person()
    const { id, key } = (await person.request('POST', '/api/keys', { name: 'short' })).json()
    const [row] = await server.db.query<{ stored: string }>(
      "select encode(key_hash, 'escape') as stored from api_keys where id = $1",
      [id],
    )
    expect(row?.stored).not.toContain(String(key))
    const short = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 })
    await short.models.list()
    expect((await person.request('DELETE', `/api/keys/${id}`)).status).toBe(200)
    await expect(short.models.list()).rejects.toMatchObject({ status: 401 })
    expect((await person.request('GET', '/v1/models')).status).toBe(401)
  })

  it('is refused at once when the account is disabled, and so is a push and the socket', async () => {
    const admin = await server.person(['user', 'admin'])
    const person = await server.person()
    const { key } = (await person.request('POST', '/api/keys', { name: 'mine' })).json()
    const own = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 })
    const socket = await person.socket()
    const push = () => person.request('POST', '/api/sync/push', { protocol: 0, device_id: person.id, mutations: [] })
    await own.models.list()
    expect((await push()).status).not.toBe(401)
    const disabled = await admin.request('PATCH', `/api/users/${person.user_id}`, { disabled: true })
    expect(disabled.status).toBe(200)
    await expect(own.models.list()).rejects.toMatchObject({ status: 401 })
    await expect(own.chat.completions.create({ model: 'mock-1', messages })).rejects.toMatchObject({ status: 401 })
    expect((await push()).status).toBe(401)
    expect((await socket.closed).code).toBe(4001)
  })

  it('loses what a role allowed as soon as another process takes the role away', async () => {
    const person = await server.person(['user', 'developer'])
    const { key } = (await person.request('POST', '/api/keys', { name: 'mine' })).json()
    const own = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 })
    await own.chat.completions.create({ model: 'mock-1', messages })
    await server.db.query("update users set roles = '{}' where id = $1", [person.user_id])
    await server.db.query("select pg_notify('banyan_session', $1)", [person.user_id])
    await expect
      .poll(() => own.chat.completions.create({ model: 'mock-1', messages }).catch((error) => error.status))
      .toBe(403)
  })
})
