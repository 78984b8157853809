import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConversation } from '../chat/index.ts'
import { modelAt, testWorker, type TestWorker } from '../workflow/testing/rig.ts'
import { firstMessage } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
let model: MockModel
let client: OpenAI
let person: Awaited<ReturnType<TestServer['person']>>
beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 5, tokens_per_second: 2000, tokens: 20 })
  server = await startTestServer({
    BANYAN_SERVICES: 'web,sync',
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'test',
    OPENAI_MODEL: 'mock',
  })
  person = await server.person()
  const key = (await person.request('POST', '/api/keys', { name: 'test' })).json()
  client = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key['key']), maxRetries: 0 })
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

const request = { model: 'agent/assistant', messages: [{ role: 'user' as const, content: 'Hello' }] }

interface Queued extends Record<string, unknown> {
  execution_id: string
  lease_owner: string | null
  stop: boolean
}

const queue = () =>
  server.db.query<Queued>(
    'select execution_id, lease_owner, cancel_requested_at is not null as stop from run_queue where user_id = $1',
    [person.user_id],
  )

const until = <T>(work: () => T | Promise<T>) => expect.poll(work, { timeout: 8_000, interval: 20 })

/** A worker as another process would have it. */
async function elsewhere(): Promise<TestWorker> {
  const made = testWorker(server.db, modelAt(model.url), { conversation: createConversation(server.db) })
  await made.worker.start()
  return made
}

describe('a process without the worker role', () => {
  it('queues what is pushed and runs nothing itself', async () => {
    const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
      "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
    )
    if (!agent) throw new Error('no assistant')
    const message = firstMessage(agent)
    const { results } = await person.push({ name: 'message.send', args: message })
    expect(results[0]?.status).toBe('applied')
    expect(await queue()).toEqual([{ execution_id: message.execution_id, lease_owner: null, stop: false }])
    expect(model.requests).toHaveLength(0)
    await server.db.query('delete from run_queue')
  })

  it('answers an API caller with what another process made of the run', async () => {
    const asked = client.chat.completions.create(request)
    await until(queue).toMatchObject([{ lease_owner: null }])
    expect(model.requests).toHaveLength(0)
    const { worker } = await elsewhere()
    try {
      const completion = await asked
      expect(completion.choices[0]?.message.content?.length).toBeGreaterThan(10)
      expect(completion.usage?.completion_tokens).toBe(20)
    } finally {
      await worker.stop()
    }
  })

  it('stops the run of an API caller that leaves, wherever it is', async () => {
    const leave = new AbortController()
    const asked = client.chat.completions.create(request, { signal: leave.signal })
    await until(queue).toMatchObject([{ stop: false }])
    leave.abort()
    await expect(asked).rejects.toThrow()
    await until(queue).toMatchObject([{ stop: true }])
    const before = model.requests.length
    const { worker } = await elsewhere()
    await until(queue).toEqual([])
    await worker.stop()
    expect(model.requests).toHaveLength(before)
  })
})
