import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ServerFrame } from '../../sync/protocol/socket.ts'
import { firstMessage } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

const FAST = { first_token_ms: 5, tokens_per_second: 2000, tokens: 20 }

let server: TestServer
let model: MockModel
beforeAll(async () => {
  model = await startMockModel()
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'mock' })
})
beforeEach(() => model.set(FAST))
afterAll(async () => {
  await server.stop()
  await model.close()
})

interface Shown extends Record<string, unknown> {
  content: string
  status: string
  workflow_status: string
  metadata: Record<string, unknown>
}

const endOf = (run: string) => (frame: ServerFrame) => frame.t === 'run.end' && frame.run === run

async function assistant(): Promise<{ agent_id: string; agent_version_id: string }> {
  const [row] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  if (!row) throw new Error('no assistant')
  return row
}

describe('a turn over the real paths', () => {
  it('streams over the socket and ends as one row, with record, usage and nothing left behind', async () => {
    const anna = await server.person()
    const socket = await anna.socket()
    await socket.until((frame) => frame.t === 'hello')
    const message = firstMessage(await assistant())
    const { results } = await anna.push({ name: 'message.send', args: message })
    expect(results[0]?.status).toBe('applied')
    await socket.until(endOf(message.execution_id))
    const streamed = socket.frames.flatMap((frame) =>
      frame.t === 'run.text' && frame.run === message.execution_id ? [frame] : [],
    )
    expect(streamed.map(({ seq }) => seq)).toEqual(streamed.map((_, index) => index + 1))
    const [question, answer] = await anna.query<Shown>('chat.messages', { chat_id: message.chat_id })
    expect(question?.content).toBe(message.content)
    expect(answer).toMatchObject({ status: 'sent', workflow_status: 'completed' })
    expect(answer?.metadata).toMatchObject({ model: 'mock', tokens_completion: FAST.tokens })
    expect(answer?.metadata).not.toHaveProperty('demo')
    expect(answer?.content).toBe(streamed.map(({ text }) => text).join(''))
    const [run] = await server.db.query(
      'select status, total_nodes, completed_nodes from workflow_executions where execution_id = $1',
      [message.execution_id],
    )
    expect(run).toEqual({ status: 'completed', total_nodes: 3, completed_nodes: 3 })
    for (const table of ['run_queue', 'run_partials']) {
      expect(
        await server.db.query(`select 1 from ${table} where execution_id = $1`, [message.execution_id]),
        table,
      ).toEqual([])
    }
    expect(
      await server.db.query('select node_name, status from workflow_node_executions where execution_id = $1', [
        message.execution_id,
      ]),
    ).toHaveLength(3)
    socket.close()
  })

  it('stops when asked and keeps the text that has arrived', async () => {
    model.set({ tokens_per_second: 20, tokens: 400 })
    const anna = await server.person()
    const socket = await anna.socket()
    const message = firstMessage(await assistant())
    await anna.push({ name: 'message.send', args: message })
    await socket.until((frame) => frame.t === 'run.text' && frame.run === message.execution_id)
    await anna.push({
      name: 'run.stop',
      args: { execution_id: message.execution_id, answer_message_id: message.answer_message_id },
    })
    await socket.until((frame) => frame.t === 'run.end' && frame.status === 'cancelled')
    const [, answer] = await anna.query<Shown>('chat.messages', { chat_id: message.chat_id })
    expect(answer).toMatchObject({ status: 'sent', workflow_status: 'cancelled' })
    expect(answer?.content.length).toBeGreaterThan(0)
    socket.close()
  })

  it('runs a message that was sent while the answer before it was running, afterwards and with it in view', async () => {
    // Long enough for the second message to find the first answer unfinished.
    model.set({ first_token_ms: 300 })
    const anna = await server.person()
    const socket = await anna.socket()
    const first = firstMessage(await assistant())
    const { chat: _chat, ...rest } = firstMessage(await assistant(), '再说一遍')
    const second = { ...rest, chat_id: first.chat_id, parent_message_id: first.answer_message_id }
    await anna.push({ name: 'message.send', args: first }, { name: 'message.send', args: second })
    await socket.until(endOf(second.execution_id))
    const ends = socket.frames.flatMap((frame) => (frame.t === 'run.end' ? [frame.run] : []))
    expect(ends).toEqual([first.execution_id, second.execution_id])
    const [, answer] = await anna.query<Shown>('chat.messages', { chat_id: first.chat_id })
    expect(model.requests.at(-1)?.body.messages).toContainEqual({ role: 'assistant', content: answer?.content })
    socket.close()
  })

  it('shows another person nothing of it: no message, no run, no shape, no socket frame', async () => {
    const anna = await server.person()
    const boris = await server.person()
    const socket = await boris.socket()
    const own = await anna.socket()
    const message = firstMessage(await assistant())
    await anna.push({ name: 'message.send', args: message })
    await own.until(endOf(message.execution_id))
    expect(await boris.query('chat.messages', { chat_id: message.chat_id })).toEqual([])
    expect((await boris.request('GET', `/api/runs/${message.execution_id}`)).status).toBe(404)
    for (const query of [
      '',
      `&where=true`,
      `&table=chat_messages`,
      `&user_id=${anna.user_id}`,
      `&params[1]=${anna.user_id}`,
    ]) {
      const reply = await boris.request('GET', `/api/sync/shapes/messages?offset=-1${query}`)
      expect(reply.text).not.toContain(message.content)
      expect(reply.text).not.toContain(anna.user_id)
    }
    expect(JSON.stringify(socket.frames)).not.toContain(message.execution_id)
    socket.close()
    own.close()
  })
})
