import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '../kernel/db.ts'
import { createLog } from '../kernel/log.ts'
import { createTestDatabase, makeDataDir, type TestDatabase } from '../kernel/testing/index.ts'
import { createDevice, firstMessage, type Device } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'

// The whole product as a process of its own, killed without a word: what was promised must still come true.

let model: MockModel
let database: TestDatabase
let db: Database
let data: ReturnType<typeof makeDataDir>
let server: { process: ChildProcess; origin: string } | undefined
beforeAll(async () => {
  model = await startMockModel()
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, size: 2, name: 'test', log: createLog('silent') })
  data = makeDataDir()
})
beforeEach(() => {
  model.set({ first_token_ms: 5, tokens_per_second: 20, tokens: 200 })
  model.requests.length = 0
})
afterEach(() => kill())
afterAll(async () => {
  await db.close()
  await database.drop()
  await model.close()
  data.remove()
})

async function start(): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'main.ts')],
    {
      env: {
        PATH: process.env['PATH'],
        DATA_DIR: data.path,
        DATABASE_URL: database.url,
        PORT: '0',
        LOG_LEVEL: 'fatal',
        BANYAN_LEASE_MS: '1000',
        OPENAI_BASE_URL: model.url,
        OPENAI_API_KEY: 'test',
        OPENAI_MODEL: 'mock',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
  await expect.poll(address, { timeout: 60_000, interval: 20 }).toBeDefined()
  const origin = address() ?? ''
  server = { process: child, origin }
  return origin
}

async function kill(): Promise<void> {
  const running = server?.process
  server = undefined
  if (!running) return
  const gone = once(running, 'exit')
  running.kill('SIGKILL')
  await gone
}

/** The same device, in front of the server that is there now. */
async function returned(device: Device): Promise<Device> {
  return createDevice(await start(), device.cookie)
}

async function newcomer(): Promise<Device> {
  const device = createDevice(await start())
  const account = { name: 'Anna', email: `${device.id}@example.com`, password: 'a long enough password' }
  const reply = await device.request('POST', '/api/auth/sign-up/email', account)
  expect(reply.status).toBe(200)
  return device
}

async function send(device: Device, content: string, after?: { chat_id: string; answer_message_id: string }) {
  const [agent] = await db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  const { chat, ...rest } = firstMessage(agent ?? { agent_id: '', agent_version_id: null }, content)
  const message = after
    ? { ...rest, chat_id: after.chat_id, parent_message_id: after.answer_message_id }
    : { ...rest, chat }
  const { results } = await device.push({ name: 'message.send', args: message })
  expect(results[0]?.status).toBe('applied')
  return message
}

interface Answer extends Record<string, unknown> {
  content: string
  status: string
  workflow_status: string
  code: string | null
}

async function answerTo(message: { answer_message_id: string }): Promise<Answer | undefined> {
  const [answer] = await db.query<Answer>(
    `select content, status, workflow_status, metadata -> 'error' ->> 'code' as code from chat_messages where id = $1`,
    [message.answer_message_id],
  )
  return answer
}

const until = <T>(work: () => T | Promise<T>) => expect.poll(work, { timeout: 30_000, interval: 20 })
const questions = () => model.requests.map(({ body }) => body.messages?.at(-1)?.content)

describe('a server that is killed while it answers', () => {
  it('answers afterwards, once each and in order; what was to stop stops with the text that had come', async () => {
    const anna = await newcomer()
    const first = await send(anna, 'first')
    const second = await send(anna, 'second', first)
    const other = await send(anna, 'other')
    const kept = async () =>
      (await db.query('select 1 from run_partials where execution_id = $1', [other.execution_id])).length
    await until(kept).toBeGreaterThan(0)
    await kill()
    model.set({ tokens_per_second: 2_000, tokens: 20 })
    // The wish to stop arrives before anybody takes over what the dead server had.
    const lease = `update run_queue set lease_until = now() + $2 where execution_id = $1`
    await db.query(lease, [other.execution_id, '1 minute'])
    const back = await returned(anna)
    await back.push({
      name: 'run.stop',
      args: { execution_id: other.execution_id, answer_message_id: other.answer_message_id },
    })
    await db.query(lease, [other.execution_id, '0 s'])
    await until(() => answerTo(second)).toMatchObject({ status: 'sent', workflow_status: 'completed' })
    await until(() => answerTo(other)).toMatchObject({ status: 'sent', workflow_status: 'cancelled' })
    expect((await answerTo(other))?.content).toMatch(/^word1 word2 /)
    expect(await answerTo(first)).toMatchObject({ status: 'sent', workflow_status: 'completed' })
    expect(questions().filter((text) => text !== 'other')).toEqual(['first', 'first', 'second'])
    expect(questions().filter((text) => text === 'other')).toHaveLength(1)
    const before = model.requests
      .at(-1)
      ?.body.messages?.slice(-3)
      .map(({ content }) => content)
    expect(before).toEqual(['first', (await answerTo(first))?.content, 'second'])
    expect(await db.query('select 1 from run_queue')).toEqual([])
  }, 120_000)

  it('gives a run up that kills it each time, and answers the next one', async () => {
    model.set({ first_token_ms: 60_000 })
    const anna = await newcomer()
    const poison = await send(anna, 'poison')
    const bites = () => questions().filter((text) => text === 'poison').length
    await until(bites).toBe(1)
    await kill()
    // Three deaths that nobody needs to wait for.
    await db.query('update run_queue set failures = 3 where execution_id = $1', [poison.execution_id])
    await start()
    await until(bites).toBe(2)
    await kill()
    const back = await returned(anna)
    await until(() => answerTo(poison)).toMatchObject({ status: 'failed', workflow_status: 'failed', code: 'run/lost' })
    expect(bites()).toBe(2)
    model.set({ first_token_ms: 5, tokens_per_second: 2_000, tokens: 20 })
    const again = {
      chat_id: poison.chat_id,
      user_message_id: poison.user_message_id,
      answer_message_id: back.id,
      execution_id: back.id,
    }
    expect((await back.push({ name: 'message.regenerate', args: again })).results[0]?.status).toBe('applied')
    await until(() => answerTo(again)).toMatchObject({ status: 'sent', workflow_status: 'completed' })
  }, 120_000)
})
