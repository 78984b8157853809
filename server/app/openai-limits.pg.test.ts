import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRetention } from '../chat/index.ts'
import { createLog } from '../kernel/log.ts'
import { newId } from '../../shared/kernel/id.ts'
import { firstMessage } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

const FAST = { first_token_ms: 5, tokens_per_second: 2000, tokens: 20 }

let server: TestServer
let model: MockModel
let admin: Person
beforeAll(async () => {
  model = await startMockModel()
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'mock' })
  admin = await server.person(['user', 'admin'])
})
beforeEach(() => model.set({ ...FAST, fault: undefined }))
afterAll(async () => {
  await server.stop()
  await model.close()
})

type Person = Awaited<ReturnType<TestServer['person']>>

async function caller(): Promise<{ person: Person; client: OpenAI }> {
  const person = await server.person()
  const { key } = (await person.request('POST', '/api/keys', { name: 'test' })).json()
  return { person, client: new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 }) }
}

// Nine tokens by our estimate.
const request = { model: 'mock', messages: [{ role: 'user' as const, content: 'What is the answer, then?' }] }
const ask = (client: OpenAI, signal?: AbortSignal) => client.chat.completions.create(request, { signal })

const until = <T>(work: () => T | Promise<T>) => expect.poll(work, { timeout: 8_000, interval: 10 })

async function spent(person: Person): Promise<number> {
  const [day] = await server.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
    person.user_id,
  ])
  return day?.tokens ?? 0
}

async function underWay(person: Person): Promise<number> {
  return (await server.db.query('select 1 from model_calls where user_id = $1', [person.user_id])).length
}

function refusals(outcomes: PromiseSettledResult<unknown>[]): APIError[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' && outcome.reason instanceof APIError ? [outcome.reason] : [],
  )
}

describe('calls of a plain model', () => {
  it('are let in eight at a time for each person; the ninth is told when to come back', async () => {
    const [anna, boris] = [await caller(), await caller()]
    model.set({ first_token_ms: 1_500 })
    const asked = Promise.allSettled(Array.from({ length: 20 }, () => ask(anna.client)))
    await until(() => underWay(anna.person)).toBe(8)
    await ask(boris.client)
    const outcomes = await asked
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(8)
    const refused = refusals(outcomes)
    expect(refused).toHaveLength(12)
    for (const error of refused) {
      expect(error).toMatchObject({ status: 429, code: 'request/rate-limited', type: 'rate_limit_error' })
      expect(Number(error.headers?.get('retry-after'))).toBeGreaterThan(0)
    }
    await until(() => underWay(anna.person)).toBe(0)
    await ask(anna.client)
  })

  it('count against the day while they run, for calls and for chats alike', async () => {
    const { person, client } = await caller()
    await admin.request('PATCH', '/api/settings', { daily_tokens: 5_000 })
    try {
      model.set({ first_token_ms: 1_500 })
      const asked = Promise.allSettled(Array.from({ length: 8 }, () => ask(client)))
      // Each is taken to cost 2,009 tokens: the third is the last that finds less than 5,000.
      await until(() => underWay(person)).toBe(3)
      const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
        "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
      )
      const message = () => firstMessage(agent ?? { agent_id: '', agent_version_id: null })
      const { results } = await person.push({ name: 'message.send', args: message() })
      expect(results[0]?.error?.code).toBe('run/quota')
      const outcomes = await asked
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      for (const error of refusals(outcomes)) {
        expect(error).toMatchObject({ status: 429, code: 'run/quota' })
        const seconds = Number(error.headers?.get('retry-after'))
        expect(seconds > 0 && seconds <= 86_400).toBe(true)
      }
      // What they really cost is little, so there is room again.
      expect(await spent(person)).toBeLessThan(200)
      expect((await person.push({ name: 'message.send', args: message() })).results[0]?.status).toBe('applied')
    } finally {
      await admin.request('PATCH', '/api/settings', { daily_tokens: 2_000_000 })
    }
  })

  it('end when the caller leaves, and the question counts even if no word has come', async () => {
    const { person, client } = await caller()
    model.set({ first_token_ms: 60_000 })
    const before = model.aborted
    const asks = model.requests.length
    const leave = new AbortController()
    const asked = ask(client, leave.signal)
    await until(() => model.requests.length).toBe(asks + 1)
    leave.abort()
    await expect(asked).rejects.toThrow()
    await until(() => model.aborted).toBe(before + 1)
    await until(() => spent(person)).toBe(9)
    expect(await underWay(person)).toBe(0)
  })

  it('cost nothing when the model refuses', async () => {
    const { person, client } = await caller()
    model.set({ fault: 'unauthorized' })
    await expect(ask(client)).rejects.toMatchObject({ status: 502, code: 'model/refused' })
    await until(() => underWay(person)).toBe(0)
    expect(await spent(person)).toBe(0)
  })

  it('whose process died are counted as what they were taken to cost', async () => {
    const { person } = await caller()
    await server.db.query(
      `insert into model_calls (id, user_id, tokens, ends_at)
       values ($1, $3, 2009, now() - interval '2 minutes'), ($2, $3, 2009, now() + interval '5 minutes')`,
      [newId(), newId(), person.user_id],
    )
    await createRetention({ db: server.db, log: createLog('silent') }).sweep()
    const [sum] = await server.db.query<{ tokens: number }>(
      'select sum(tokens)::int as tokens from token_usages where user_id = $1',
      [person.user_id],
    )
    expect(sum?.tokens).toBe(2009)
    expect(await underWay(person)).toBe(1)
  })
})
