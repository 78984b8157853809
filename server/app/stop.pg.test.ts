import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ServerFrame } from '../../sync/protocol/socket.ts'
import { createDevice, firstMessage, type Device, type DeviceSocket } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

const SLOW = { first_token_ms: 60_000, tokens_per_second: 50, tokens: 1_000 }

let server: TestServer
let model: MockModel
let anna: Device & { user_id: string }
let socket: DeviceSocket
beforeAll(async () => {
  model = await startMockModel()
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'mock' })
})
beforeEach(async () => {
  model.set(SLOW)
  model.requests.length = 0
  anna = await server.person()
  socket = await anna.socket()
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

interface Shown extends Record<string, unknown> {
  id: string
  content: string
  status: string
  workflow_status: string
}

const until = <T>(work: () => T | Promise<T>) => expect.poll(work, { timeout: 8_000, interval: 10 })
const endsOf = (run: string) => socket.frames.filter((frame) => frame.t === 'run.end' && frame.run === run)
const isEnd = (run: string) => (frame: ServerFrame) => frame.t === 'run.end' && frame.run === run

async function send(slug: string, content = 'Hello') {
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    'select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = $1',
    [slug],
  )
  const message = firstMessage(agent ?? { agent_id: '', agent_version_id: null }, content)
  const { results } = await anna.push({ name: 'message.send', args: message })
  expect(results[0]?.status).toBe('applied')
  return message
}

const stopOf = (message: { execution_id: string; answer_message_id: string }) => ({
  name: 'run.stop',
  args: { execution_id: message.execution_id, answer_message_id: message.answer_message_id },
})

async function answerTo(message: { chat_id: string; answer_message_id: string }): Promise<Shown | undefined> {
  const rows = await anna.query<Shown>('chat.messages', { chat_id: message.chat_id })
  return rows.find(({ id }) => id === message.answer_message_id)
}

async function queueRows(run: string): Promise<number> {
  return (await server.db.query('select 1 from run_queue where execution_id = $1', [run])).length
}

describe('a stop', () => {
  it('ends a run whose model has not said a word, and the question counts', async () => {
    const message = await send('assistant')
    await until(() => model.requests.length).toBe(1)
    const before = model.aborted
    const asked = Date.now()
    await anna.push(stopOf(message))
    await socket.until(isEnd(message.execution_id))
    expect(Date.now() - asked).toBeLessThan(2_000)
    expect(await answerTo(message)).toMatchObject({ content: '', status: 'sent', workflow_status: 'cancelled' })
    await until(() => model.aborted).toBe(before + 1)
    const [day] = await server.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
      anna.user_id,
    ])
    expect(day?.tokens).toBeGreaterThan(0)
  })

  it('asked for twice and once more is one stop', async () => {
    model.set({ first_token_ms: 5 })
    const message = await send('assistant')
    await socket.until((frame) => frame.t === 'run.text' && frame.run === message.execution_id)
    const { results } = await anna.push(stopOf(message), stopOf(message))
    expect(results.map(({ status }) => status)).toEqual(['applied', 'applied'])
    await socket.until(isEnd(message.execution_id))
    const answer = await answerTo(message)
    expect(answer).toMatchObject({ status: 'sent', workflow_status: 'cancelled' })
    expect(answer?.content.length).toBeGreaterThan(0)
    expect((await anna.push(stopOf(message))).results[0]?.status).toBe('applied')
    expect(await answerTo(message)).toEqual(answer)
    expect(endsOf(message.execution_id)).toHaveLength(1)
  })

  it('may come from another device of the person', async () => {
    model.set({ first_token_ms: 5 })
    const message = await send('assistant')
    await socket.until((frame) => frame.t === 'run.text' && frame.run === message.execution_id)
    const phone = createDevice(server.origin, anna.cookie)
    expect((await phone.push(stopOf(message))).results[0]?.status).toBe('applied')
    await socket.until(isEnd(message.execution_id))
    expect(await answerTo(message)).toMatchObject({ status: 'sent', workflow_status: 'cancelled' })
  })

  it('ends a run that waits for a place, without asking the model', async () => {
    const others = []
    for (let index = 0; index < 8; index += 1) others.push(await send('assistant', `busy ${index}`))
    await until(() => model.requests.length).toBe(8)
    const waiting = await send('assistant', 'waits')
    await anna.push(stopOf(waiting))
    await until(() => answerTo(waiting)).toMatchObject({ content: '', status: 'sent', workflow_status: 'cancelled' })
    expect(model.requests).toHaveLength(8)
    await anna.push(...others.map(stopOf))
    for (const other of others) await socket.until(isEnd(other.execution_id))
  })

  it('of a run that calls no model comes too late or in time, and leaves nothing behind either way', async () => {
    for (let times = 0; times < 5; times += 1) {
      const message = await send('meeting-minutes', '太短')
      await anna.push(stopOf(message))
      await socket.until(isEnd(message.execution_id))
      const answer = await answerTo(message)
      expect(answer?.status).toBe('sent')
      expect(['completed', 'cancelled']).toContain(answer?.workflow_status)
      if (answer?.workflow_status === 'completed') expect(answer.content).toContain('太短')
      expect(await queueRows(message.execution_id)).toBe(0)
    }
    expect(model.requests).toHaveLength(0)
  })

  it('of a run that has ended changes nothing', async () => {
    model.set({ first_token_ms: 5, tokens_per_second: 2_000, tokens: 20 })
    const message = await send('assistant')
    await socket.until(isEnd(message.execution_id))
    const answer = await answerTo(message)
    expect((await anna.push(stopOf(message))).results[0]?.status).toBe('applied')
    expect(await answerTo(message)).toEqual(answer)
    expect(answer).toMatchObject({ workflow_status: 'completed' })
  })
})
