import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { firstMessage, type Device, type DeviceSocket } from '../app/testing/browserless.ts'
import { startMockModel, type MockModel } from '../app/testing/mock-model.ts'
import { startTestServer, type TestServer } from '../app/testing/start-server.ts'

// A chat turn costs at most four statements, two of which commit a write.
//
// How it is counted: every query of every pg client of this process is seen on its way out; those of the pools `web`
// (push), `runs` (worker) and `auth` between the push and the run's end count, `begin` and `commit` included. A
// statement that writes is a commit of its own unless it is between `begin` and `commit`. The worker's clocks (poll,
// heartbeat, partials, sweep), LISTEN and caches that have run out speak on the same pools and belong to no turn, but
// to time; so a few turns are counted, and the cheapest is what a turn itself costs.

const MOST = { statements: 4, writing_commits: 2 }
const TURNS = 10
const POOLS = new Set(['banyan-web', 'banyan-runs', 'banyan-auth'])

/** Not `for update`, which locks. */
const WRITES = /\binsert\s+into\b|(?<!\b(?:for|key)\s+)\bupdate\s+\w+|\bdelete\s+from\b/i

let server: TestServer
let model: MockModel
let anna: Device
let socket: DeviceSocket
const queries = vi.spyOn(pg.Client.prototype, 'query')

beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 5, tokens_per_second: 2000, tokens: 20 })
  server = await startTestServer({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'mock' })
  anna = await server.person()
  socket = await anna.socket()
})
afterAll(async () => {
  queries.mockRestore()
  await server.stop()
  await model.close()
})

it('pushes and ends a chat turn in four statements and two commits', async () => {
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select agent_id, v.id as agent_version_id from agent_versions v join agents a on a.id = v.agent_id where slug = 'assistant' and is_current",
  )
  const first = firstMessage({ agent_id: agent?.agent_id ?? '', agent_version_id: agent?.agent_version_id ?? '' })
  await turn(first)

  const costs: Cost[] = []
  let parent_message_id = first.answer_message_id
  while (costs.length < TURNS && !costs.some(isCheap)) {
    const { chat: _chat, ...next } = firstMessage({ agent_id: '', agent_version_id: null })
    queries.mockClear()
    await turn({ ...next, chat_id: first.chat_id, parent_message_id })
    costs.push(costOf(statementsSent()))
    parent_message_id = next.answer_message_id
  }
  expect(costs.some(isCheap), JSON.stringify(costs, null, 1)).toBe(true)
  // A count that sees nothing would hold any promise.
  expect(costs.every(({ writing_commits }) => writing_commits >= MOST.writing_commits)).toBe(true)
})

it('counts what is committed together once', () => {
  const on = {}
  const together = ['begin', 'insert into a select 1', 'update a set b = 1', 'commit', 'select 1', 'delete from a']
  expect(costOf(together.map((text) => ({ on, text })))).toMatchObject({ statements: 6, writing_commits: 2 })
})

async function turn(args: { execution_id: string } & Record<string, unknown>): Promise<void> {
  const { results } = await anna.push({ name: 'message.send', args })
  expect(results[0]).toMatchObject({ status: 'applied' })
  await socket.until((frame) => frame.t === 'run.end' && frame.run === args.execution_id)
}

interface Sent {
  /** The connection. */
  on: object
  text: string
}

interface Cost {
  statements: number
  writing_commits: number
  texts: string[]
}

const isCheap = (cost: Cost) => cost.statements <= MOST.statements && cost.writing_commits <= MOST.writing_commits

function statementsSent(): Sent[] {
  return queries.mock.calls.flatMap(([query], index) => {
    const on = queries.mock.contexts[index]
    if (!on || !POOLS.has(applicationOf(on))) return []
    const text: unknown = typeof query === 'string' ? query : Reflect.get(Object(query), 'text')
    return [{ on, text: String(text) }]
  })
}

function costOf(sent: readonly Sent[]): Cost {
  /** Connections inside a transaction, and whether it has written. */
  const open = new Map<object, boolean>()
  let writing_commits = 0
  for (const { on, text } of sent) {
    const writes = WRITES.test(text)
    if (/^begin\b/i.test(text)) open.set(on, false)
    else if (/^(commit|rollback)\b/i.test(text)) {
      if (open.get(on) && /^commit/i.test(text)) writing_commits += 1
      open.delete(on)
    } else if (writes && open.has(on)) open.set(on, true)
    else if (writes) writing_commits += 1
  }
  const texts = sent.map(({ text }) => text.replace(/\s+/g, ' ').slice(0, 160))
  return { statements: sent.length, writing_commits, texts }
}

function applicationOf(client: object): string {
  const parameters: unknown = Reflect.get(client, 'connectionParameters')
  return String(Reflect.get(Object(parameters), 'application_name'))
}
