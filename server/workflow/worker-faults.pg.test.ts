import { describe, expect, it } from 'vitest'
import type { MockFault } from '../app/testing/mock-model.ts'
import type { ConversationPort } from './ports.ts'
import { tableConversation } from './testing/conversation.ts'
import { until, useBench, WHOLE } from './testing/bench.ts'
import { ask, ended, IMPATIENCE, modelAt, newAgent, newChat } from './testing/rig.ts'

const bench = useBench()

async function turn(text = 'hello') {
  const agent = await newAgent(bench.db)
  return ask(bench.db, agent, await newChat(bench.db, agent), text)
}

describe('a run whose model fails', () => {
  it.each<[MockFault, string]>([
    ['error', 'model/unavailable'],
    ['hang', 'model/timed-out'],
    ['rubbish', 'model/bad-answer'],
    ['bad-json', 'model/bad-answer'],
    ['wrong-types', 'model/bad-answer'],
    ['silence', 'model/bad-answer'],
    ['empty', 'model/bad-answer'],
    ['rate-limit', 'model/rate-limited'],
    ['unauthorized', 'model/refused'],
    ['not-found', 'model/not-found'],
  ])('fails on %s with %s and no text', async (fault, code) => {
    bench.mock.set({ fault, retry_after_seconds: 60 })
    const asked = await turn()
    const { frames } = await bench.work({ model: modelAt(bench.mock.url, IMPATIENCE), limits: { poll_ms: 50 } })
    const answer = await ended(bench.db, asked)
    expect(answer).toMatchObject({
      content: '',
      status: 'failed',
      workflow_status: 'failed',
      execution_status: 'failed',
    })
    expect(answer.metadata.error?.code).toBe(code)
    await until(() => frames.at(-1)).toMatchObject({ t: 'run.end', status: 'failed' })
    // The next one is not harmed by it.
    bench.mock.set({ fault: undefined })
    expect(await ended(bench.db, await turn())).toMatchObject({ content: WHOLE, status: 'sent' })
  })

  it.each<[MockFault, string]>([
    ['half-close', 'model/interrupted'],
    ['reset', 'model/interrupted'],
    ['stall', 'model/timed-out'],
    ['endless-line', 'model/bad-answer'],
    ['error-event', 'model/interrupted'],
  ])('keeps the text that came before %s', async (fault, code) => {
    bench.mock.set({ fault })
    const asked = await turn()
    const { seen } = await bench.work({ model: modelAt(bench.mock.url, IMPATIENCE) })
    const answer = await ended(bench.db, asked)
    expect(answer.metadata.error?.code).toBe(code)
    expect(answer.content.length).toBeGreaterThan(20)
    expect(answer.content).toBe(seen(asked.execution_id))
  })

  it('goes on after a 429 that says how long to wait', async () => {
    bench.mock.set({ fault: 'rate-limit', fault_times: 1, retry_after_seconds: 0.1 })
    const asked = await turn()
    await bench.work()
    expect(await ended(bench.db, asked)).toMatchObject({ content: WHOLE, status: 'sent' })
  })

  it('stores what Postgres cannot hold as best it can', async () => {
    bench.mock.set({ answer: 'a\u0000b \ud83d c' })
    const asked = await turn()
    await bench.work()
    expect(await ended(bench.db, asked)).toMatchObject({ content: 'ab \ufffd c', status: 'sent' })
  })

  it('ends a run whose result the database refuses as failed, at the first attempt', async () => {
    const asked = await turn()
    const tables = tableConversation(bench.db)
    const refused = {
      name: 'chat_refused',
      sql: `update chats c set status = 'nonsense' from ended e where c.user_id = e.user_id`,
      values: [],
    }
    const finish: ConversationPort['finish'] = (outcome) => [
      ...tables.finish(outcome),
      ...(outcome.status === 'completed' ? [refused] : []),
    ]
    await bench.work({ conversation: { ...tables, finish } })
    const answer = await ended(bench.db, asked)
    expect(answer).toMatchObject({ content: WHOLE, status: 'failed', attempt: 1 })
    expect(answer.metadata.error?.code).toBe('server/bug')
  })

  it('fails a run that takes too long as a whole', async () => {
    bench.mock.set({ tokens: 10_000, tokens_per_second: 100 })
    const asked = await turn()
    await bench.work({ limits: { run_ms: 200, poll_ms: 50 } })
    const answer = await ended(bench.db, asked)
    expect(answer.metadata.error?.code).toBe('run/timed-out')
    expect(answer.content.length).toBeGreaterThan(0)
  })

  it('fails a run whose model thinks without an end', async () => {
    bench.mock.set({ fault: 'endless-reasoning' })
    const asked = await turn()
    await bench.work({ limits: { run_ms: 500, poll_ms: 50 } })
    expect(await ended(bench.db, asked)).toMatchObject({
      content: '',
      status: 'failed',
      metadata: { error: { code: 'run/timed-out' } },
    })
    await until(() => bench.mock.aborted).toBe(1)
  })

  it('fails a version that cannot run', async () => {
    const agent = await newAgent(bench.db, {
      version: 1,
      nodes: [{ node_name: 'start', node_type: 'start', node_config: {} }],
      edges: [],
    })
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    await bench.work()
    expect((await ended(bench.db, asked)).metadata.error).toMatchObject({
      code: 'workflow/invalid',
      params: { issue: 'end-missing' },
    })
  })
})
