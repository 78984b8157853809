import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '../kernel/db.ts'
import { createLog } from '../kernel/log.ts'
import { createTestDatabase, makeDataDir, type TestDatabase } from '../kernel/testing/index.ts'
import { createDevice, firstMessage, type Device, type DeviceSocket } from './testing/browserless.ts'
import { startMockModel, type MockModel } from './testing/mock-model.ts'
import { ProcessEnded, startProcess, type ServerProcess } from './testing/start-process.ts'

const secret = 'secret-of-shapes'
const administrator = { email: 'root@example.com', password: 'a very long password' }

let model: MockModel
let database: TestDatabase
let db: Database
let data: ReturnType<typeof makeDataDir>
const running: ServerProcess[] = []
beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 20, tokens_per_second: 30, tokens: 60 })
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, size: 2, name: 'test', log: createLog('silent') })
  data = makeDataDir()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})
afterAll(async () => {
  await db.close()
  await database.drop()
  data.remove()
  await model.close()
})

/** One more process of the installation. */
function start(services: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  return startProcess({
    DATA_DIR: data.path,
    DATABASE_URL: database.url,
    BANYAN_SERVICES: services,
    BANYAN_ADMIN_EMAIL: administrator.email,
    BANYAN_ADMIN_PASSWORD: administrator.password,
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'test',
    OPENAI_MODEL: 'mock',
    ...env,
  })
}

/** The same, stopped after the test. */
async function play(services: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const made = await start(services, env)
  running.push(made)
  return made
}

async function signIn(origin: string): Promise<Device> {
  const device = createDevice(origin)
  const reply = await device.request('POST', '/api/auth/sign-in/email', administrator)
  expect(reply.status, reply.text).toBe(200)
  return device
}

async function sendMessage(person: Device) {
  const [agent] = await db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  if (!agent) throw new Error('no assistant')
  const message = firstMessage(agent)
  const { results } = await person.push({ name: 'message.send', args: message })
  expect(results[0]).toMatchObject({ status: 'applied' })
  return message
}

/** Leases that end soon after their worker. */
const SHORT = { BANYAN_LEASE_MS: '600' }

const textsOf = (socket: DeviceSocket, run: string) =>
  socket.frames.flatMap((frame) => (frame.t === 'run.text' && frame.run === run ? [frame] : []))

const ended = (run: string) => (frame: { t: string; run?: string }) => frame.t === 'run.end' && frame.run === run

describe('a web process and a worker', { timeout: 60_000 }, () => {
  let web: ServerProcess
  let worker: ServerProcess
  let person: Device
  beforeAll(async () => {
    ;[web, worker] = await Promise.all([start('web,sync', SHORT), start('worker', SHORT)])
    person = await signIn(web.origin)
  })
  afterAll(() => Promise.all([web.stop(), worker.stop()]))

  it('answer each to its own', async () => {
    expect((await fetch(`${worker.origin}/api/health`)).status).toBe(200)
    expect(await (await fetch(`${worker.origin}/api/ready`)).json()).toEqual({
      status: 'ready',
      parts: { database: { state: 'up' }, worker: { state: 'up' } },
    })
    for (const path of ['/', '/api/session', '/v1/models', '/api/openapi.json', '/internal/run-frames'])
      expect((await fetch(worker.origin + path)).status, path).toBe(404)
    expect((await fetch(`${web.origin}/internal/run-frames`)).status).toBe(404)
  })

  it('show a run as it goes, also on a device that comes in the middle', async () => {
    const socket = await person.socket()
    const { execution_id: run, chat_id } = await sendMessage(person)
    await socket.until((frame) => frame.t === 'run.text' && frame.run === run && frame.seq >= 5)
    const late = await person.socket()
    const snapshot = await late.until((frame) => frame.t === 'run.snapshot' && frame.run === run)
    if (snapshot.t !== 'run.snapshot') throw new Error('no snapshot')
    expect(snapshot.text).toMatch(/^word1 word2 word3/)
    await Promise.all([socket.until(ended(run)), late.until(ended(run))])
    const texts = textsOf(socket, run)
    expect(texts.map(({ seq }) => seq)).toEqual(texts.map((_, index) => index + 1))
    const answer = (await person.query<{ content: string }>('chat.messages', { chat_id })).at(-1)?.content
    expect(texts.map(({ text }) => text).join('')).toBe(answer)
    const rest = textsOf(late, run).map(({ text }) => text)
    expect(snapshot.text + rest.join('')).toBe(answer)
    socket.close()
    late.close()
  })

  it('stream it to a program too', async () => {
    const { key } = (await person.request('POST', '/api/keys', { name: 'test' })).json()
    const response = await fetch(`${web.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'agent/assistant',
        stream: true,
        messages: [{ role: 'user', content: 'Hello' }],
      }),
    })
    const chunks = (await response.text()).split('\n\n').filter((event) => /"content":"word\d/.test(event))
    // Had it come with the row alone, it would be one.
    expect(chunks.length).toBeGreaterThan(5)
  })

  it('stop a run when asked, at once', async () => {
    model.set({ tokens: 600 })
    const socket = await person.socket()
    const { execution_id: run, answer_message_id, chat_id } = await sendMessage(person)
    await socket.until((frame) => frame.t === 'run.text' && frame.run === run && frame.seq >= 3)
    const aborted = model.aborted
    await person.push({ name: 'run.stop', args: { execution_id: run, answer_message_id } })
    model.set({ tokens: 60 })
    // Its 600 words would take twenty seconds.
    expect(await socket.until(ended(run), 8_000)).toMatchObject({ status: 'cancelled' })
    expect(model.aborted).toBe(aborted + 1)
    const messages = await person.query<{ content: string; workflow_status: string }>('chat.messages', { chat_id })
    expect(messages.at(-1)).toMatchObject({ workflow_status: 'cancelled' })
    expect(messages.at(-1)?.content).toMatch(/^word1 /)
    socket.close()
  })

  it('give the run of a worker that was killed to the next, and go on showing it', async () => {
    const socket = await person.socket()
    const { execution_id: run } = await sendMessage(person)
    await socket.until((frame) => frame.t === 'run.text' && frame.run === run && frame.seq >= 3)
    worker.kill('SIGKILL')
    await worker.exited
    worker = await start('worker', SHORT)
    await socket.until((frame) => frame.t === 'run.snapshot' && frame.run === run && frame.attempt === 2, 10_000)
    expect(await socket.until(ended(run))).toMatchObject({ status: 'completed' })
    socket.close()
  })
})

it('deliver the answer, though not its growing, when their secrets differ, and say so', async () => {
  const web = await play('web,sync', { BANYAN_MASTER_KEY: '0'.repeat(32) })
  await play('worker', { BANYAN_MASTER_KEY: '1'.repeat(32) })
  const person = await signIn(web.origin)
  const socket = await person.socket()
  const { chat_id, execution_id: run } = await sendMessage(person)
  await expect
    .poll(async () => (await person.query<{ status: string }>('chat.messages', { chat_id })).at(-1)?.status, {
      timeout: 15_000,
    })
    .toBe('sent')
  expect(socket.frames.filter((frame) => 'run' in frame && frame.run === run)).toEqual([])
  expect(web.said()).toContain('BANYAN_MASTER_KEY')
  socket.close()
}, 60_000)

it('have one sync among them: a second is told so in one sentence, until the first has ended', async () => {
  const first = await play('web,sync')
  const failure = await play('web,sync').catch((error: unknown) => error)
  if (!(failure instanceof ProcessEnded)) throw new Error('it came up')
  expect(failure.code).toBe(1)
  expect(failure.said.trim().split('\n')).toHaveLength(2)
  expect(failure.said).toMatch(/already plays sync on this database/)
  first.kill('SIGKILL')
  await first.exited
  await play('web,sync')
}, 60_000)

it('share one sync by Electric’s protocol', async () => {
  const sync = await play('sync', { ELECTRIC_SECRET: secret })
  expect((await fetch(`${sync.origin}/api/session`)).status).toBe(404)
  const web = await play('web,worker', { ELECTRIC_URL: sync.origin, ELECTRIC_SECRET: secret })
  expect(await (await fetch(`${web.origin}/api/ready`)).json()).toMatchObject({
    status: 'ready',
    parts: { sync: { state: 'up' } },
  })
  const person = await signIn(web.origin)
  const { chat_id } = await sendMessage(person)
  const shape = await person.request('GET', '/api/sync/shapes/chats?offset=-1')
  expect(shape.status, shape.text).toBe(200)
  expect(shape.text).toContain(chat_id)
  sync.kill('SIGKILL')
  await sync.exited
  expect((await person.request('GET', '/api/sync/shapes/chats?offset=-1')).status).toBe(503)
  expect((await fetch(`${web.origin}/api/ready`)).status).toBe(503)
}, 60_000)

it.each([
  ['web,worker', {}, /web without sync/],
  ['sync', {}, /sync without web/],
])(
  'say what is missing instead of starting as %s',
  async (services, env, sentence) => {
    const failure = await play(services, env).catch((error: unknown) => error)
    if (!(failure instanceof ProcessEnded)) throw new Error('it came up')
    expect(failure.code).toBe(1)
    expect(failure.said.trim().split('\n')).toHaveLength(2)
    expect(failure.said).toMatch(sentence)
  },
  60_000,
)
