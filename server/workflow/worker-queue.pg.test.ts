import { describe, expect, it } from 'vitest'
import { createNotifications, type Notifications } from '../kernel/listen.ts'
import { until, useBench } from './testing/bench.ts'
import { answerOf, ask, ended, newAgent, newChat, newUser, log, type Agent } from './testing/rig.ts'
import { notifyCancel, notifyRuns, wakeByNotifications } from './wake-up.ts'
import type { Worker } from './worker-contract.ts'

const bench = useBench()

async function place(): Promise<{ agent: Agent; chat: string }> {
  const agent = await newAgent(bench.db)
  return { agent, chat: await newChat(bench.db, agent) }
}

const questions = () => bench.mock.requests.map(({ body }) => body.messages?.at(-1)?.content)

async function listening(worker: Worker): Promise<Notifications> {
  const notifications = createNotifications({ url: bench.db.url, log })
  wakeByNotifications(notifications, worker)
  await notifications.start()
  return notifications
}

describe('the queue', () => {
  it('holds a run until the one before it in its branch has ended', async () => {
    const { agent, chat } = await place()
    bench.mock.set({ first_token_ms: 100 })
    const first = await ask(bench.db, agent, chat, 'one')
    const second = await ask(bench.db, agent, chat, 'two', { parent: first.answer_id, blocked_by: first.execution_id })
    await bench.work({ limits: { poll_ms: 60_000 } })
    await ended(bench.db, second)
    expect(questions()).toEqual(['one', 'two'])
    expect(bench.mock.requests[1]?.body.messages).toHaveLength(3)
  })

  it('keeps the order when a run in the middle is stopped before its turn', async () => {
    const { agent, chat } = await place()
    bench.mock.set({ first_token_ms: 400 })
    const first = await ask(bench.db, agent, chat, 'one')
    const second = await ask(bench.db, agent, chat, 'two', { blocked_by: first.execution_id })
    const third = await ask(bench.db, agent, chat, 'three', { blocked_by: second.execution_id })
    await bench.work({ limits: { poll_ms: 30 } })
    await until(() => bench.mock.requests.length).toBe(1)
    await bench.db.query('update run_queue set cancel_requested_at = now() where execution_id = $1', [
      second.execution_id,
    ])
    expect(await ended(bench.db, second)).toMatchObject({ workflow_status: 'cancelled' })
    expect(await answerOf(bench.db, first)).toMatchObject({ queued: true })
    expect(questions()).toEqual(['one'])
    await ended(bench.db, third)
    expect(questions()).toEqual(['one', 'three'])
  })

  it('frees a run whose predecessor had ended before it was queued', async () => {
    const { agent, chat } = await place()
    const asked = await ask(bench.db, agent, chat, 'one', { blocked_by: '00000000-0000-7000-8000-000000000000' })
    await bench.work({ limits: { poll_ms: 30 } })
    await ended(bench.db, asked)
  })

  it('serves everybody in turns, however long the queue of one', async () => {
    const busy = await place()
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ask(bench.db, busy.agent, busy.chat, `busy ${index}`)),
    )
    const others = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const user_id = await newUser(bench.db)
        return ask(bench.db, busy.agent, await newChat(bench.db, busy.agent, user_id), `other ${index}`, { user_id })
      }),
    )
    await bench.work({ limits: { runs: 3, runs_per_user: 2 } })
    await Promise.all([...many, ...others].map((asked) => ended(bench.db, asked, 15_000)))
    const places = questions().flatMap((text, index) => (text?.startsWith('other') ? [index] : []))
    expect(Math.max(...places)).toBeLessThan(14)
  })

  it('never runs more of one person than allowed', async () => {
    const { agent, chat } = await place()
    const asked = await Promise.all(Array.from({ length: 9 }, (_, index) => ask(bench.db, agent, chat, `${index}`)))
    await bench.work({ limits: { runs_per_user: 2 } })
    let most = 0
    let over = false
    // By the leases: a run that has ended may still be winding up in the process.
    const watch = (async () => {
      while (!over) {
        const [leased] = await bench.db.query<{ n: number }>(
          'select count(*)::int as n from run_queue where lease_owner is not null and execution_id = any($1)',
          [asked.map(({ execution_id }) => execution_id)],
        )
        most = Math.max(most, leased?.n ?? 0)
      }
    })()
    await Promise.all(asked.map((each) => ended(bench.db, each)))
    over = true
    await watch
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2)
  })

  it('wakes by NOTIFY, and stops by NOTIFY', async () => {
    const { agent, chat } = await place()
    bench.mock.set({ tokens: 1000, tokens_per_second: 100 })
    const { worker } = await bench.work({ limits: { poll_ms: 60_000 }, lease_ms: 60_000 })
    const notifications = await listening(worker)
    const asked = await ask(bench.db, agent, chat, 'one')
    await notifyRuns(bench.db)
    await until(() => worker.status().running).toBe(1)
    await until(() => bench.mock.requests.length).toBe(1)
    await notifyCancel(bench.db, asked.execution_id)
    expect(await ended(bench.db, asked)).toMatchObject({ workflow_status: 'cancelled' })
    await notifications.stop()
  })

  it('looks again when it listens again: what was said meanwhile is lost', async () => {
    const { agent, chat } = await place()
    const { worker } = await bench.work({ limits: { poll_ms: 60_000 } })
    const notifications = await listening(worker)
    await bench.db.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'banyan-listen' and datname = current_database()",
    )
    const asked = await ask(bench.db, agent, chat, 'one')
    await notifyRuns(bench.db)
    expect(await ended(bench.db, asked)).toMatchObject({ workflow_status: 'completed' })
    await notifications.stop()
  })

  it('is shared by two workers without a run done twice', async () => {
    const { agent, chat } = await place()
    const asked = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(bench.db, agent, chat, `${index}`)))
    const limits = { runs: 2, runs_per_user: 100, poll_ms: 20 }
    await Promise.all([bench.work({ limits }), bench.work({ limits })])
    await Promise.all(asked.map((each) => ended(bench.db, each)))
    expect(questions().toSorted()).toEqual(asked.map((_, index) => `${index}`).toSorted())
  })
})

describe('a reservation', () => {
  it('is refused when slots, the person or the worker have no room', async () => {
    const { worker } = await bench.work({ limits: { runs: 3, runs_per_user: 2 } })
    await until(() => worker.reserve('a') !== undefined).toBe(true)
    const second = worker.reserve('a')
    expect(second).toBeDefined()
    expect(worker.reserve('a')).toBeUndefined()
    expect(worker.reserve('b')).toBeDefined()
    expect(worker.reserve('c')).toBeUndefined()
    if (second) worker.release(second)
    expect(worker.reserve('c')).toBeDefined()
    await worker.stop()
    expect(worker.reserve('d')).toBeUndefined()
  })

  it('that nobody used runs out', async () => {
    const { worker } = await bench.work({ lease_ms: 90, limits: { runs: 1 } })
    await until(() => worker.reserve('a') !== undefined).toBe(true)
    expect(worker.reserve('b')).toBeUndefined()
    await until(() => worker.reserve('b') !== undefined).toBe(true)
  })
})
