import { inspect } from 'node:util'
import { Shape, ShapeStream } from 'electric-sql'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../kernel/log.ts'
import { createRetention } from '../chat/index.ts'
import { firstMessage } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

const FAST = { first_token_ms: 5, tokens_per_second: 2000, tokens: 20 }
const SECRET = 'What only the API caller asked'

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

type Person = Awaited<ReturnType<TestServer['person']>>

const messages = [{ role: 'user' as const, content: SECRET }]

async function caller(person: Person): Promise<OpenAI> {
  const { key } = (await person.request('POST', '/api/keys', { name: 'test' })).json()
  return new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: String(key), maxRetries: 0 })
}

async function newChat(person: Person) {
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  const message = firstMessage(agent ?? { agent_id: '', agent_version_id: null })
  const { results } = await person.push({ name: 'message.send', args: message })
  expect(results[0]?.status).toBe('applied')
  return message
}

interface ApiRun extends Record<string, unknown> {
  chat_id: string
  execution_id: string
  message_id: string
  answer_message_id: string
}

const apiRuns = (person: Person) =>
  server.db.query<ApiRun>(
    `select e.chat_id, e.execution_id, e.message_id, e.answer_message_id from workflow_executions e
     join chats c on c.id = e.chat_id where c.source = 'api' and e.user_id = $1`,
    [person.user_id],
  )

/** A device's live shapes, and everything that ever arrived in them. */
function follow(person: Person) {
  const over = new AbortController()
  const heard: string[] = []
  const shapes = ['chats', 'messages', 'runs'].map((name) => {
    const stream = new ShapeStream({
      url: `${server.origin}/api/sync/shapes/${name}`,
      headers: { cookie: person.cookie },
      signal: over.signal,
    })
    stream.subscribe((batch) => {
      heard.push(...batch.map((message) => inspect(message, { depth: 5 })))
    })
    return new Shape(stream)
  })
  return { heard, shapes, close: () => over.abort() }
}

describe('the chat of an API call', () => {
  it('reaches no device: no row, no frame, no answer to a query', async () => {
    const anna = await server.person()
    const client = await caller(anna)
    const socket = await anna.socket()
    const device = follow(anna)
    await newChat(anna)
    await client.chat.completions.create({ model: 'agent/assistant', messages })

    model.set({ tokens_per_second: 50 })
    const stream = await client.chat.completions.create({ model: 'agent/assistant', messages, stream: true })
    let heard = ''
    let running: unknown
    let late: string | undefined
    for await (const chunk of stream) {
      heard += chunk.choices[0]?.delta.content ?? ''
      if (heard === '' || late !== undefined) continue
      running = await anna.query('chat.running')
      const second = await anna.socket()
      await second.until((frame) => frame.t === 'hello')
      late = JSON.stringify(second.frames)
      second.close()
    }
    expect(heard).toMatch(/^word1 .* word20 $/)

    // Changes arrive in the order of their commits: with this chat there, everything before it has passed.
    const last = await newChat(anna)
    await expect
      .poll(() => device.heard.filter((message) => message.includes(last.answer_message_id)).length, { timeout: 8_000 })
      .toBeGreaterThan(1)
    const runs = await apiRuns(anna)
    expect(runs).toHaveLength(2)
    expect(device.heard.length).toBeGreaterThan(0)
    for (const { chat_id, execution_id, message_id, answer_message_id } of runs) {
      for (const id of [chat_id, execution_id, message_id, answer_message_id]) {
        expect(device.heard.join('\n')).not.toContain(id)
        expect(JSON.stringify(socket.frames)).not.toContain(id)
        expect(late).not.toContain(id)
      }
      expect(await anna.query('chat.messages', { chat_id })).toEqual([])
      expect(await anna.query('chat.by-id', { id: chat_id })).toEqual([])
    }
    expect(running).toEqual([])
    expect(await anna.query('chat.search', { text: SECRET, limit: 100 })).toEqual([])
    device.close()
    socket.close()
  })

  it('is not among the rows that a device starts with', async () => {
    const anna = await server.person()
    const client = await caller(anna)
    await client.chat.completions.create({ model: 'agent/assistant', messages })
    const [run] = await apiRuns(anna)
    const own = await newChat(anna)
    for (const name of ['chats', 'messages', 'runs']) {
      const { text } = await anna.request('GET', `/api/sync/shapes/${name}?offset=-1`)
      expect(text).toContain(own.chat_id)
      expect(text).not.toContain(run?.chat_id)
    }
  })

  it('leaves a device that has it, and would come back, row by row', async () => {
    const anna = await server.person()
    const client = await caller(anna)
    const device = follow(anna)
    await client.chat.completions.create({ model: 'agent/assistant', messages })
    const [run] = await apiRuns(anna)
    const counts = () => Promise.all(device.shapes.map(async (shape) => (await shape.rows).length))
    const show = async (hidden: boolean) => {
      await server.db.query(
        `with c as (update chats set hidden = $2, source = case when $2 then 'api' else 'app' end where id = $1),
           m as (update chat_messages set hidden = $2 where chat_id = $1)
         update workflow_executions set hidden = $2 where chat_id = $1`,
        [run?.chat_id, hidden],
      )
    }
    expect(await counts()).toEqual([0, 0, 0])
    await show(false)
    await expect.poll(counts, { timeout: 8_000 }).toEqual([1, 2, 1])
    await show(true)
    await expect.poll(counts, { timeout: 8_000 }).toEqual([0, 0, 0])
    device.close()
  })

  it('takes no mutation', async () => {
    const anna = await server.person()
    const client = await caller(anna)
    await client.chat.completions.create({ model: 'agent/assistant', messages })
    const [run] = await apiRuns(anna)
    const { chat: _chat, ...message } = await newChat(anna)
    const ids = { user_message_id: anna.id, answer_message_id: anna.id, execution_id: anna.id }
    const { results } = await anna.push(
      { name: 'message.send', args: { ...message, ...ids, chat_id: run?.chat_id, parent_message_id: null } },
      { name: 'message.regenerate', args: { ...ids, chat_id: run?.chat_id, user_message_id: run?.message_id } },
      { name: 'chat.update', args: { id: run?.chat_id, set: { title: 'Mine' } } },
      { name: 'message.delete', args: { id: run?.answer_message_id } },
      { name: 'branch.choose', args: { chat_id: run?.chat_id, fork_id: run?.chat_id, child_id: run?.message_id } },
    )
    expect(results.map(({ error }) => error?.code)).toEqual(Array(5).fill('row/not-found'))
  })

  it('goes when its time is over, with all that its run left; others stay', async () => {
    const anna = await server.person()
    const client = await caller(anna)
    const kept = await newChat(anna)
    await client.chat.completions.create({ model: 'agent/assistant', messages })
    await client.chat.completions.create({ model: 'agent/assistant', messages })
    const [old, young] = await apiRuns(anna)
    const busy = await newChat(anna)
    await expect.poll(() => anna.query('chat.running'), { timeout: 8_000 }).toEqual([])
    await server.db.query(`update chats set expires_at = now() - interval '1 s' where id = any($1)`, [
      [old?.chat_id, busy.chat_id],
    ])
    await server.db.query('insert into run_queue (execution_id, user_id, run_at) values ($1, $2, now() + $3)', [
      busy.execution_id,
      anna.user_id,
      '1 day',
    ])
    await server.db.query(`insert into run_partials values ($1, 1, 1, 'half')`, [old?.execution_id])

    await createRetention({ db: server.db, log: createLog('silent') }).sweep()

    const chats = await server.db.query<{ id: string }>('select id from chats where user_id = $1', [anna.user_id])
    expect(chats.map(({ id }) => id).toSorted()).toEqual([kept.chat_id, young?.chat_id, busy.chat_id].toSorted())
    for (const [table, column, id] of [
      ['chat_messages', 'chat_id', old?.chat_id],
      ['workflow_executions', 'execution_id', old?.execution_id],
      ['workflow_node_executions', 'execution_id', old?.execution_id],
      ['run_partials', 'execution_id', old?.execution_id],
      ['langgraph.checkpoints', 'thread_id', `chat_${old?.chat_id}:${old?.execution_id}`],
      ['langgraph.checkpoint_blobs', 'thread_id', `chat_${old?.chat_id}:${old?.execution_id}`],
    ])
      expect(await server.db.query(`select 1 from ${table} where ${column} = $1`, [id]), table).toEqual([])
    const checkpoints = await server.db.query(`select 1 from langgraph.checkpoints where thread_id = any($1)`, [
      [`chat_${young?.chat_id}:${young?.execution_id}`, `chat_${kept.chat_id}:${kept.execution_id}`],
    ])
    expect(checkpoints).toHaveLength(2)
    await server.db.query('delete from run_queue where execution_id = $1', [busy.execution_id])
  })
})
