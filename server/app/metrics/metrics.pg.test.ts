import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { firstMessage } from '../testing/browserless.ts'
import { startMockModel, type MockModel } from '../testing/mock-model.ts'
import { startTestServer, type TestServer } from '../testing/start-server.ts'

const token = '0123456789abcdef'
let model: MockModel
let server: TestServer
beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 5, tokens_per_second: 2000, tokens: 20 })
  server = await startTestServer({
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'test',
    OPENAI_MODEL: 'mock',
    METRICS_TOKEN: token,
  })
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

/** Samples by name and labels, as they are written. */
async function scrape(): Promise<Map<string, number>> {
  const reply = await fetch(`${server.origin}/metrics`)
  expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await reply.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

async function turn(person: Awaited<ReturnType<TestServer['person']>>, fault?: 'error') {
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  if (!agent) throw new Error('no assistant')
  model.set({ fault })
  const socket = await person.socket()
  const message = firstMessage(agent)
  await person.push({ name: 'message.send', args: message })
  await socket.until((frame) => frame.t === 'run.end' && frame.run === message.execution_id)
  return socket
}

describe('the figures', () => {
  it('count turns, tokens, model calls, mutations and requests', async () => {
    const before = await scrape()
    const person = await server.person()
    const socket = await turn(person)
    const other = await turn(person, 'error')
    await person.push({ name: 'no.such.mutation', args: {} })
    const after = await scrape()
    const grown = (sample: string) => (after.get(sample) ?? 0) - (before.get(sample) ?? 0)

    expect(grown('banyan_runs_started_total')).toBe(2)
    expect(grown('banyan_runs_ended_total{status="completed"}')).toBe(1)
    expect(grown('banyan_runs_ended_total{status="failed"}')).toBe(1)
    expect(grown('banyan_model_calls_total{provider="openai",outcome="ok"}')).toBe(1)
    expect(grown('banyan_model_calls_total{provider="openai",outcome="model/unavailable"}')).toBe(1)
    expect(grown('banyan_model_tokens_total{kind="completion"}')).toBe(20)
    expect(grown('banyan_model_first_text_seconds_count{provider="openai"}')).toBe(1)
    expect(grown('banyan_push_mutations_total{name="message.send",status="applied"}')).toBe(2)
    expect(grown('banyan_push_mutations_total{name="other",status="rejected"}')).toBe(1)
    expect(grown('banyan_push_rejections_total{code="sync/unknown-mutation"}')).toBe(1)
    expect(grown('banyan_http_request_duration_seconds_count{route="push",status="2xx"}')).toBe(3)
    expect(grown('banyan_http_request_duration_seconds_count{route="auth",status="2xx"}')).toBe(1)
    expect(after.get('banyan_socket_connections')).toBe(2)
    socket.close()
    other.close()
  })

  it('show what is there now: the queue, waiting reads, shapes, pools, replication, the process', async () => {
    const person = await server.person()
    const socket = await person.socket()
    const shape = await person.request('GET', '/api/sync/shapes/chats?offset=-1')
    const handle = shape.headers.get('electric-handle')
    const offset = shape.headers.get('electric-offset')
    socket.send({ t: 'poll', id: 1, shape: 'chats', query: { offset, handle, live: 'true' } })
    await server.db.query(
      `insert into run_queue (execution_id, user_id, run_at)
       select execution_id, user_id, now() + interval '1 hour' from workflow_executions limit 1`,
    )
    await expect.poll(async () => (await scrape()).get('banyan_shape_reads')).toBe(1)
    const now = await scrape()
    expect(now.get('banyan_socket_polls')).toBe(1)
    expect(now.get('banyan_shapes')).toBeGreaterThan(0)
    expect(now.get('banyan_shape_log_bytes')).toBeGreaterThanOrEqual(0)
    expect(now.get('banyan_run_queue{state="waiting"}')).toBe(1)
    expect(now.get('banyan_run_queue{state="leased"}')).toBe(0)
    expect(now.get('banyan_database_up')).toBe(1)
    expect(now.get('banyan_database_pool_connections{pool="web",state="open"}')).toBeGreaterThan(0)
    expect(now.get('banyan_replication_retained_bytes')).toBeGreaterThan(0)
    expect(now.get('banyan_replication_lag_bytes')).toBeGreaterThan(0)
    expect(now.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
    expect(now.get('process_resident_memory_bytes')).toBeGreaterThan(1e7)
    await server.db.query('delete from run_queue')
    socket.close()
  })

  it('stay few, whatever is asked for', async () => {
    await fetch(`${server.origin}/some-page`)
    const before = (await scrape()).size
    for (let n = 0; n < 50; n++) await fetch(`${server.origin}/page-${n}`)
    expect((await scrape()).size).toBe(before)
  })

  it('are for this machine and for the token only', async () => {
    const metrics = (headers: Record<string, string>) => ask(server.origin, { path: '/metrics', headers })
    expect((await metrics({})).status).toBe(200)
    expect((await metrics({ 'x-forwarded-for': '203.0.113.7' })).status).toBe(403)
    expect((await metrics({ host: 'evil.example' })).status).toBe(403)
    const elsewhere = { host: '10.0.0.9:8787', 'x-forwarded-for': '203.0.113.7' }
    expect((await metrics({ ...elsewhere, authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await metrics({ ...elsewhere, authorization: 'Bearer wrong' })).status).toBe(403)
  })
})
