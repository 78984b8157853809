import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ServerFrame } from '../../sync/protocol/socket.ts'
import { firstMessage, type Device, type DeviceSocket } from '../app/testing/browserless.ts'
import { startMockModel, type MockModel } from '../app/testing/mock-model.ts'
import { startTestServer, type TestServer } from '../app/testing/start-server.ts'

let server: TestServer
let model: MockModel
let anna: Device
let socket: DeviceSocket
beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 500, tokens_per_second: 2000, tokens: 20 })
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'mock' })
})
beforeEach(async () => {
  model.requests.length = 0
  anna = await server.person()
  socket = await anna.socket()
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

const endOf = (run: string) => (frame: ServerFrame) => frame.t === 'run.end' && frame.run === run
const ends = () => socket.frames.flatMap((frame) => (frame.t === 'run.end' ? [frame.run] : []))
const asked = () => model.requests.map(({ body }) => body.messages?.map(({ content }) => content))

/** Three questions, each below the answer to the one before; the first is being answered. */
async function threeInARow() {
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  if (!agent) throw new Error('no assistant')
  const first = firstMessage(agent, '一')
  const follow = (content: string, parent_message_id: string) => {
    const { chat: _chat, ...rest } = firstMessage(agent, content)
    return { ...rest, chat_id: first.chat_id, parent_message_id }
  }
  const second = follow('二', first.answer_message_id)
  const third = follow('三', second.answer_message_id)
  await anna.push(...[first, second, third].map((args) => ({ name: 'message.send', args })))
  await expect.poll(() => model.requests.length).toBeGreaterThan(0)
  return { first, second, third }
}

const withdraw = (message: { user_message_id: string; answer_message_id: string }) => ({
  name: 'message.withdraw',
  args: { user_message_id: message.user_message_id, answer_message_id: message.answer_message_id },
})

describe('questions that wait for an answer', () => {
  it('can be taken back: the model never hears of it, and the others keep their order', async () => {
    const { first, second, third } = await threeInARow()
    const { results } = await anna.push(withdraw(second))
    expect(results[0]?.status).toBe('applied')
    await socket.until(endOf(third.execution_id))
    expect(ends().filter((run) => run !== second.execution_id)).toEqual([first.execution_id, third.execution_id])
    expect(asked().map((messages) => messages?.at(-1))).toEqual(['一', '三'])
    const rows = await anna.query<{ id: string; content: string; status: string }>('chat.messages', {
      chat_id: first.chat_id,
    })
    const answer = rows.find(({ id }) => id === first.answer_message_id)?.content
    expect(asked()[1]?.slice(-3)).toEqual(['一', answer, '三'])
    const gone = rows.filter(({ id }) => id === second.user_message_id || id === second.answer_message_id)
    expect(gone.map(({ content, status }) => ({ content, status }))).toEqual([
      { content: '', status: 'deleted' },
      { content: '', status: 'deleted' },
    ])
  })

  it('keep their order when one in the middle is stopped', async () => {
    const { first, second, third } = await threeInARow()
    await anna.push({
      name: 'run.stop',
      args: { execution_id: second.execution_id, answer_message_id: second.answer_message_id },
    })
    await socket.until(endOf(third.execution_id))
    expect(ends().indexOf(first.execution_id)).toBeLessThan(ends().indexOf(third.execution_id))
    expect(asked()[1]?.slice(-4)).toEqual(['一', expect.stringContaining('word1'), '二', '三'])
  })

  it('begin when the answer before them is stopped, not sooner', async () => {
    const { first, second, third } = await threeInARow()
    await anna.push({
      name: 'run.stop',
      args: { execution_id: first.execution_id, answer_message_id: first.answer_message_id },
    })
    await socket.until(endOf(third.execution_id))
    expect(ends()).toEqual([first.execution_id, second.execution_id, third.execution_id])
  })

  it('is stopped when it is taken back after all that it has begun', async () => {
    const { first, third } = await threeInARow()
    await anna.push(withdraw(first))
    await socket.until(endOf(third.execution_id))
    const rows = await anna.query<{ id: string; status: string }>('chat.messages', { chat_id: first.chat_id })
    expect(rows.find(({ id }) => id === first.answer_message_id)?.status).toBe('deleted')
  })

  it('begin, too, when the answer before them fails', async () => {
    model.set({ fault: 'unauthorized', fault_times: 1 })
    const { first, second, third } = await threeInARow()
    await socket.until(endOf(third.execution_id))
    expect(ends()).toEqual([first.execution_id, second.execution_id, third.execution_id])
    const rows = await anna.query<{ id: string; status: string }>('chat.messages', { chat_id: first.chat_id })
    const status = (id: string) => rows.find((row) => row.id === id)?.status
    expect([first, second, third].map(({ answer_message_id }) => status(answer_message_id))).toEqual([
      'failed',
      'sent',
      'sent',
    ])
    // There was no answer to show it.
    expect(asked()[1]?.slice(-2)).toEqual(['一', '二'])
  })

  it('wait for the same answer when they are edited', async () => {
    const { first, second, third } = await threeInARow()
    const { chat: _chat, ...rest } = firstMessage({ agent_id: '', agent_version_id: null }, '二，改过的')
    const edited = { ...rest, chat_id: first.chat_id, parent_message_id: second.parent_message_id }
    await anna.push({ name: 'message.send', args: edited })
    await socket.until(endOf(third.execution_id))
    await socket.until(endOf(edited.execution_id))
    expect(ends()[0]).toBe(first.execution_id)
    const own = asked().find((messages) => messages?.at(-1) === '二，改过的')
    expect(own?.slice(-3)).toEqual(['一', expect.stringContaining('word1'), '二，改过的'])
    expect(ends().indexOf(second.execution_id)).toBeLessThan(ends().indexOf(third.execution_id))
  })

  it('is taken back by nobody else', async () => {
    const { second, third } = await threeInARow()
    const boris = await server.person()
    await boris.push(withdraw(second))
    await socket.until(endOf(third.execution_id))
    expect(asked().map((messages) => messages?.at(-1))).toContain('二')
  })
})
