import { describe, expect, it } from 'vitest'
import { until, useBench, WHOLE } from './testing/bench.ts'
import { chain, node } from './testing/definitions.ts'
import { answerOf, ask, ended, freezable, newAgent, newChat, type Turn } from './testing/rig.ts'

const bench = useBench()
const quick = { lease_ms: 1_000, limits: { poll_ms: 50 } }

async function turn(more: Parameters<typeof ask>[4] = {}): Promise<Turn> {
  const agent = await newAgent(bench.db)
  return ask(bench.db, agent, await newChat(bench.db, agent), 'hello', more)
}

async function spentBy(asked: Turn): Promise<number | undefined> {
  const [day] = await bench.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
    asked.user_id,
  ])
  return day?.tokens
}

describe('a run', () => {
  it('is taken over when its worker falls silent', async () => {
    bench.mock.set({ first_token_ms: 5_000 })
    const asked = await turn()
    const dead = freezable(bench.db)
    const first = await bench.work({ ...quick, db: dead.db })
    await until(() => bench.mock.requests.length).toBe(1)
    dead.freeze()
    bench.mock.set({ first_token_ms: 10 })
    const second = await bench.work(quick)
    expect(await ended(bench.db, asked)).toMatchObject({ content: WHOLE, status: 'sent', attempt: 2 })
    expect(second.seen(asked.execution_id)).toBe(WHOLE)
    expect(first.frames.some((frame) => frame.t === 'run.end')).toBe(false)
    dead.thaw()
  })

  it('is written by nobody but its holder: a zombie that wakes up changes nothing', async () => {
    const asked = await turn()
    const zombie = freezable(bench.db)
    bench.mock.set({ answer: 'from the zombie', first_token_ms: 200 })
    const patient = { lease_ms: 1_000, limits: { poll_ms: 50 } }
    const first = await bench.work({ ...patient, db: zombie.db })
    await until(() => bench.mock.requests.length).toBe(1)
    zombie.freeze()
    bench.mock.set({ answer: 'from the heir', first_token_ms: 2_000 })
    await bench.work(patient)
    // The zombie's model has answered, and its end statement waits; it gets through before the heir has finished.
    await until(() => bench.mock.requests.length).toBe(2)
    zombie.thaw()
    await until(() => first.worker.status().running).toBe(0)
    expect(await answerOf(bench.db, asked)).toMatchObject({ content: '', status: 'sending', queued: true })
    expect(await ended(bench.db, asked)).toMatchObject({ content: 'from the heir', attempt: 2 })
    const nodes = await bench.db.query('select node_name from workflow_node_executions where execution_id = $1', [
      asked.execution_id,
    ])
    expect(nodes).toHaveLength(3)
  })

  it('does not repeat the model calls that it has paid for', async () => {
    const definition = chain(
      node('start', 'start'),
      node('draft', 'llm', { prompt: 'Draft: {{ input.text }}' }),
      node('polish', 'llm', { prompt: 'Polish: {{ nodes.draft.output }}' }),
      node('end', 'end'),
    )
    const agent = await newAgent(bench.db, definition)
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    const dead = freezable(bench.db)
    await bench.work({ ...quick, db: dead.db })
    await until(() => bench.mock.requests.length).toBe(1)
    bench.mock.set({ first_token_ms: 5_000 })
    await until(() => bench.mock.requests.length).toBe(2)
    // The checkpoint of the first call is on its way while the second runs.
    await until(
      async () =>
        (await bench.db.query('select from langgraph.checkpoints where thread_id like $1', [`%${asked.execution_id}`]))
          .length,
    ).toBeGreaterThan(2)
    dead.freeze()
    bench.mock.set({ first_token_ms: 10, answer: 'polished' })
    await bench.work(quick)
    expect(await ended(bench.db, asked)).toMatchObject({ content: 'polished', attempt: 2 })
    expect(bench.mock.requests.map(({ body }) => body.messages?.at(-1)?.content.slice(0, 6))).toEqual([
      'Draft:',
      'Polish',
      'Polish',
    ])
    const nodes = await bench.db.query<{ node_name: string }>(
      'select node_name from workflow_node_executions where execution_id = $1 order by started_at, id',
      [asked.execution_id],
    )
    expect(nodes.map((each) => each.node_name)).toEqual(['start', 'draft', 'polish', 'end'])
    // The draft of the dead attempt counts against the day, as the polishing of the living one does.
    const [sum] = await bench.db.query<{ tokens: number }>(
      'select sum(tokens_consumed) as tokens from workflow_node_executions where execution_id = $1',
      [asked.execution_id],
    )
    expect(sum?.tokens).toBeGreaterThan(20)
    expect(await spentBy(asked)).toBe(sum?.tokens)
    dead.thaw()
  })

  it('is handed back with its text when its worker stops', async () => {
    bench.mock.set({ tokens: 1000, tokens_per_second: 100 })
    const asked = await turn()
    const leaving = await bench.work()
    await until(() => leaving.seen(asked.execution_id).length).toBeGreaterThan(30)
    await leaving.worker.stop()
    // What the cut answer has used so far: a third of its bytes, and the question.
    expect(await spentBy(asked)).toBeGreaterThan(10)
    const [row] = await bench.db.query<{ lease_owner: string | null; text: string }>(
      `select q.lease_owner, (select string_agg(delta, '' order by seq) from run_partials p where p.execution_id = q.execution_id) as text
        from run_queue q where q.execution_id = $1`,
      [asked.execution_id],
    )
    expect(row?.lease_owner).toBeNull()
    expect(row?.text).toBe(leaving.seen(asked.execution_id))
    bench.mock.set({ answer: 'done' })
    await bench.work()
    expect(await ended(bench.db, asked)).toMatchObject({ content: 'done', attempt: 2 })
    expect(await bench.db.query('select from run_partials where execution_id = $1', [asked.execution_id])).toHaveLength(
      0,
    )
  })

  it('finishes within the grace of a stopping worker', async () => {
    bench.mock.set({ first_token_ms: 100 })
    const asked = await turn()
    const { worker } = await bench.work({ limits: { grace_ms: 5_000 } })
    await until(() => worker.status().running).toBe(1)
    await worker.stop()
    expect(await answerOf(bench.db, asked)).toMatchObject({ content: WHOLE, attempt: 1, queued: false })
  })

  it('that fell out of the queue is ended by the sweep', async () => {
    const asked = await turn()
    await bench.db.query('delete from run_queue where execution_id = $1', [asked.execution_id])
    await bench.db.query(
      `update workflow_executions set created_at = now() - interval '1 hour' where execution_id = $1`,
      [asked.execution_id],
    )
    await bench.work()
    const answer = await ended(bench.db, asked)
    expect(answer).toMatchObject({
      status: 'failed',
      execution_status: 'failed',
      metadata: { error: { code: 'run/lost' } },
    })
  })

  it('stops when the request to stop arrives by the database alone', async () => {
    bench.mock.set({ tokens: 1000, tokens_per_second: 100 })
    const asked = await turn()
    const { seen } = await bench.work(quick)
    await until(() => seen(asked.execution_id).length).toBeGreaterThan(10)
    await bench.db.query('update run_queue set cancel_requested_at = now() where execution_id = $1', [
      asked.execution_id,
    ])
    expect(await ended(bench.db, asked)).toMatchObject({ workflow_status: 'cancelled', attempt: 1 })
  })

  it('that was stopped while it waited never asks the model', async () => {
    const asked = await turn()
    await bench.db.query('update run_queue set cancel_requested_at = now() where execution_id = $1', [
      asked.execution_id,
    ])
    await bench.work(quick)
    expect(await ended(bench.db, asked)).toMatchObject({ workflow_status: 'cancelled', content: '' })
    expect(bench.mock.requests).toHaveLength(0)
  })

  it('that was stopped when its worker was already dead is stopped, with the text it left', async () => {
    const asked = await turn()
    await bench.db.query(
      `update run_queue set lease_owner = 'gone', attempt = 1, lease_until = now() + interval '300 ms',
        cancel_requested_at = now() where execution_id = $1`,
      [asked.execution_id],
    )
    await bench.db.query(`insert into run_partials values ($1, 1, 1, 'so far')`, [asked.execution_id])
    await bench.work(quick)
    expect(await ended(bench.db, asked)).toMatchObject({
      content: 'so far',
      status: 'sent',
      workflow_status: 'cancelled',
      execution_status: 'cancelled',
    })
    expect(bench.mock.requests).toHaveLength(0)
  })

  it('survives a database that is away for a while', async () => {
    const asked = await turn()
    bench.mock.set({ first_token_ms: 100 })
    const { worker } = await bench.work()
    await until(() => bench.mock.requests.length).toBe(1)
    await bench.db.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    expect(await ended(bench.db, asked)).toMatchObject({ content: WHOLE, status: 'sent' })
    expect(worker.status().running).toBe(0)
  })
})
