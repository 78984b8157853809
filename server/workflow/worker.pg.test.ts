import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMockModel, type MockModel } from '../app/testing/mock-model.ts'
import { demoModel, type ModelProvider } from '../config/index.ts'
import type { Database } from '../kernel/db.ts'
import { createTestDatabase, type TestDatabase } from '../kernel/testing/index.ts'
import { answerOf, ask, countingDatabase, ended, modelAt, newAgent, newChat, testWorker, type Sent, type TestWorker } from './testing/rig.ts'

const fast = { first_token_ms: 10, tokens_per_second: 1000, tokens: 20 }
let test: TestDatabase
let db: Database
let mock: MockModel
let model: ModelProvider
const sent: Sent[] = []
const workers: TestWorker[] = []

beforeAll(async () => {
  test = await createTestDatabase()
  db = countingDatabase(test.url, sent, 12)
})
afterAll(async () => {
  await db.close()
  await test.drop()
})
beforeEach(async () => {
  mock = await startMockModel(fast)
  model = modelAt(mock.url)
})
afterEach(async () => {
  await Promise.all(workers.splice(0).map(({ worker }) => worker.stop()))
  await mock.close()
})

async function work(more: Parameters<typeof testWorker>[2] & { model?: ModelProvider } = {}): Promise<TestWorker> {
  const made = testWorker(db, more.model ?? model, more)
  workers.push(made)
  await made.worker.start()
  return made
}

const whole = Array.from({ length: 20 }, (_, index) => `word${index + 1} `).join('')

describe('a worker', () => {
  it('answers with an OpenAI-compatible model, from queue to message', async () => {
    const agent = await newAgent(db, undefined, { system_prompt: 'Be brief.' })
    const chat = await newChat(db, agent)
    const first = await ask(db, agent, chat, 'hello')
    const { worker, frames, seen } = await work()
    worker.wake()
    const answer = await ended(db, first)
    expect(answer).toMatchObject({ content: whole, status: 'sent', workflow_status: 'completed', execution_status: 'completed' })
    expect(answer.metadata).toMatchObject({ model: 'mock', tokens_completion: 20 })
    expect(seen(first.execution_id)).toBe(whole)
    expect(frames.filter((frame) => frame.t === 'run.node').map((frame) => (frame.t === 'run.node' ? `${frame.node} ${frame.phase}` : ''))).toEqual([
      'start start', 'start end', 'answer start', 'answer end', 'end start', 'end end',
    ])
    expect(frames.at(-1)).toMatchObject({ t: 'run.end', status: 'completed' })
    const second = await ask(db, agent, chat, 'again', { parent: first.answer_id })
    worker.wake()
    await ended(db, second)
    expect(mock.requests[1]?.body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: whole },
      { role: 'user', content: 'again' },
    ])
  })

  it('answers with the demonstration model and says so', async () => {
    const agent = await newAgent(db)
    const turn = await ask(db, agent, await newChat(db, agent), '你好')
    await work({ model: demoModel({ pace_ms: 1 }) })
    const answer = await ended(db, turn)
    expect(answer.content).toContain('演示模型')
    expect(answer.metadata).toMatchObject({ demo: true, model: 'banyan-demo' })
  })

  it('costs two statements a turn after the push', async () => {
    const agent = await newAgent(db)
    const chat = await newChat(db, agent)
    const { worker } = await work({ limits: { poll_ms: 60_000 } })
    const turn = async (parent?: string) => {
      const lease = worker.reserve(agent.user_id)
      expect(lease).toBeDefined()
      if (!lease) throw new Error('no lease')
      const asked = await ask(db, agent, chat, 'hello', { lease, ...(parent ? { parent } : {}) })
      sent.length = 0
      worker.started(lease, asked.execution_id)
      await expect.poll(() => worker.status().running).toBe(0)
      return asked
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    const first = await turn()
    await turn(first.answer_id)
    const own = sent.filter(({ text }) => !text.includes('lease_until'))
    expect(own.map(({ text }) => text.slice(0, 30))).toHaveLength(2)
  })

  it('stops a run and keeps its text', async () => {
    mock.set({ tokens: 1000, tokens_per_second: 100 })
    const agent = await newAgent(db)
    const turn = await ask(db, agent, await newChat(db, agent), 'hello')
    const { worker, seen } = await work()
    await expect.poll(() => seen(turn.execution_id).length).toBeGreaterThan(30)
    worker.cancel(turn.execution_id)
    const answer = await ended(db, turn)
    expect(answer).toMatchObject({ status: 'sent', workflow_status: 'cancelled', execution_status: 'cancelled' })
    expect(answer.content).toBe(seen(turn.execution_id))
    expect(await answerOf(db, turn)).toMatchObject({ queued: false })
  })
})
