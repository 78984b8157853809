import { describe, expect, it } from 'vitest'
import type { ConversationPort } from './ports.ts'
import { RunQueue } from './run-queue.repository.ts'
import { until, useBench, WHOLE } from './testing/bench.ts'
import { tableConversation } from './testing/conversation.ts'
import { answerOf, ask, ended, freezable, newAgent, newChat, newUser, type Turn } from './testing/rig.ts'

const bench = useBench()

async function turn(text = 'hello'): Promise<Turn> {
  const agent = await newAgent(bench.db)
  return ask(bench.db, agent, await newChat(bench.db, agent), text)
}

async function queued(asked: Turn) {
  const [row] = await bench.db.query<{ failures: number; worked_ms: number; attempt: number }>(
    'select failures, worked_ms, attempt from run_queue where execution_id = $1',
    [asked.execution_id],
  )
  return row
}

const questions = () => bench.mock.requests.map(({ body }) => body.messages?.at(-1)?.content)

/** As if the worker of a run had been killed. */
async function orphan(asked: Turn, more: { failures?: number; worked_ms?: number } = {}): Promise<void> {
  await bench.db.query(
    `update run_queue set lease_owner = 'gone', leased_at = now() - interval '1 s', lease_until = now() - interval '1 s',
      attempt = 1, failures = $2, worked_ms = $3 where execution_id = $1`,
    [asked.execution_id, more.failures ?? 0, more.worked_ms ?? 0],
  )
}

describe('a run that fails with its workers', () => {
  it('is given up after the fifth, with the text it left and without being looked at', async () => {
    const asked = await turn()
    await orphan(asked, { failures: 4 })
    await bench.db.query(`insert into run_partials values ($1, 1, 3, 'half '), ($1, 1, 9, 'an answer')`, [
      asked.execution_id,
    ])
    const load: ConversationPort['load'] = () => Promise.reject(new Error('this is what kills'))
    await bench.work({ conversation: { ...tableConversation(bench.db), load }, limits: { poll_ms: 50 } })
    expect(await ended(bench.db, asked)).toMatchObject({
      content: 'half an answer',
      status: 'failed',
      execution_status: 'failed',
      metadata: { error: { code: 'run/lost' } },
    })
    expect(bench.mock.requests).toHaveLength(0)
  })

  it('takes nobody with it: those who were beside it are answered', async () => {
    bench.mock.set({ first_token_ms: 300 })
    const agent = await newAgent(bench.db)
    const place = async (text: string) => {
      const user_id = await newUser(bench.db)
      return ask(bench.db, agent, await newChat(bench.db, agent, user_id), text, { user_id })
    }
    const poison = await place('poison')
    const others = await Promise.all(Array.from({ length: 8 }, (_, index) => place(`other ${index}`)))
    const bites = () => questions().filter((text) => text === 'poison').length
    const over = async () => !(await answerOf(bench.db, poison))?.queued
    let deaths = 0
    for (; !(await over()); deaths += 1) {
      const body = freezable(bench.db)
      await bench.work({ lease_ms: 900, limits: { poll_ms: 30 }, db: body.db })
      await until(async () => bites() > deaths || (await over())).toBe(true)
      body.freeze()
    }
    await bench.work({ limits: { poll_ms: 30 } })
    // A machine without time to spare may let a lease run out before the model is asked; that counts too.
    expect(bites()).toBeLessThanOrEqual(5)
    expect(bites()).toBeGreaterThan(1)
    expect((await answerOf(bench.db, poison))?.metadata.error?.code).toBe('run/lost')
    for (const other of others) expect(await ended(bench.db, other)).toMatchObject({ content: WHOLE, status: 'sent' })
  }, 40_000)

  it('that cannot be loaded holds up no other, and is given up', async () => {
    const [broken, whole] = [await turn('broken'), await turn('whole')]
    const tables = tableConversation(bench.db)
    const load: ConversationPort['load'] = (ids) =>
      ids.includes(broken.execution_id) ? Promise.reject(new Error('no such cast')) : tables.load(ids)
    await bench.work({ conversation: { ...tables, load } })
    expect(await ended(bench.db, whole)).toMatchObject({ content: WHOLE, attempt: 1 })
    await until(() => queued(broken)).toMatchObject({ failures: 1 })
    await bench.db.query('update run_queue set failures = 4 where execution_id = $1', [broken.execution_id])
    expect((await ended(bench.db, broken)).metadata.error?.code).toBe('run/lost')
  })
})

describe('a run that is handed back', () => {
  it('has lost nothing by it, however often', async () => {
    bench.mock.set({ first_token_ms: 60_000 })
    const asked = await turn()
    for (let times = 1; times <= 7; times += 1) {
      const { worker } = await bench.work({ limits: { grace_ms: 0, poll_ms: 30 } })
      await until(() => bench.mock.requests.length).toBe(times)
      await worker.stop()
      expect(await queued(asked)).toMatchObject({ failures: 0, attempt: times })
    }
    bench.mock.set({ first_token_ms: 10 })
    await bench.work({ limits: { poll_ms: 30 } })
    expect(await ended(bench.db, asked)).toMatchObject({ content: WHOLE, status: 'sent', attempt: 8 })
  })
})

describe('the time of a run', () => {
  it('is the sum of its attempts; the time between them does not count', async () => {
    bench.mock.set({ tokens: 10_000, tokens_per_second: 100 })
    const asked = await turn()
    const limits = { run_ms: 1_500, poll_ms: 30, grace_ms: 0 }
    const first = await bench.work({ limits })
    await until(() => first.seen(asked.execution_id).length).toBeGreaterThan(30)
    await new Promise((resolve) => setTimeout(resolve, 700))
    await first.worker.stop()
    const before = (await queued(asked))?.worked_ms ?? 0
    expect(before).toBeGreaterThan(700)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const began = Date.now()
    await bench.work({ limits })
    const answer = await ended(bench.db, asked)
    expect(answer.metadata.error?.code).toBe('run/timed-out')
    expect(bench.mock.requests).toHaveLength(2)
    expect(Date.now() - began).toBeLessThan(1_500)
    expect(answer.metadata).toMatchObject({ duration_ms: expect.any(Number) })
    expect(Number(answer.metadata.duration_ms)).toBeGreaterThan(1_400)
  })

  it('that ran out with a worker that died is not begun again', async () => {
    const asked = await turn()
    await orphan(asked, { worked_ms: 1_000 })
    await bench.db.query(`insert into run_partials values ($1, 1, 1, 'so far')`, [asked.execution_id])
    await bench.work({ limits: { run_ms: 1_000, poll_ms: 30 } })
    expect(await ended(bench.db, asked)).toMatchObject({
      content: 'so far',
      metadata: { error: { code: 'run/timed-out' } },
    })
    expect(bench.mock.requests).toHaveLength(0)
  })

  it('counts what a worker that died has worked, up to the end of its lease', async () => {
    const asked = await turn()
    await bench.db.query(
      `update run_queue set lease_owner = 'gone', leased_at = now() - interval '5 s', lease_until = now() - interval '2 s',
        attempt = 1, worked_ms = 500 where execution_id = $1`,
      [asked.execution_id],
    )
    const [claim] = await new RunQueue(bench.db, 'heir', 10_000).takeOver(10)
    expect(claim).toMatchObject({ execution_id: asked.execution_id, failures: 1, attempt: 2, worked_ms: 3_500 })
  })
})

describe('a heartbeat', () => {
  it('is a HOT update', async () => {
    const asked = await turn()
    const [claim] = await new RunQueue(bench.db, 'me', 10_000).claim(1, 1)
    const hot = await bench.db.transaction(async (tx) => {
      const queue = new RunQueue({ ...bench.db, query: tx.query }, 'me', 10_000)
      await queue.beat([{ execution_id: asked.execution_id, lease_owner: 'me', attempt: claim?.attempt ?? 0 }])
      const [row] = await tx.query<{ hot: number }>(
        `select pg_stat_get_xact_tuples_hot_updated('run_queue'::regclass)::int as hot`,
      )
      return row?.hot
    })
    expect(hot).toBe(1)
  })
})
