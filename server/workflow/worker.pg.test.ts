import { describe, expect, it } from 'vitest'
import { demoModel } from '../config/index.ts'
import { until, useBench, WHOLE as whole } from './testing/bench.ts'
import { answerOf, ask, ended, newAgent, newChat } from './testing/rig.ts'

const bench = useBench()

describe('a worker', () => {
  it('answers with an OpenAI-compatible model, from queue to message', async () => {
    const agent = await newAgent(bench.db, undefined, { system_prompt: 'Be brief.' })
    const chat = await newChat(bench.db, agent)
    const first = await ask(bench.db, agent, chat, 'hello')
    const { worker, frames, seen } = await bench.work()
    worker.wake()
    const answer = await ended(bench.db, first)
    expect(answer).toMatchObject({
      content: whole,
      status: 'sent',
      workflow_status: 'completed',
      execution_status: 'completed',
    })
    expect(answer.metadata).toMatchObject({ model: 'mock', tokens_completion: 20 })
    expect(seen(first.execution_id)).toBe(whole)
    expect(
      frames
        .filter((frame) => frame.t === 'run.node')
        .map((frame) => (frame.t === 'run.node' ? `${frame.node} ${frame.phase}` : '')),
    ).toEqual(['start start', 'start end', 'answer start', 'answer end', 'end start', 'end end'])
    expect(frames.at(-1)).toMatchObject({ t: 'run.end', status: 'completed' })
    const second = await ask(bench.db, agent, chat, 'again', { parent: first.answer_id })
    worker.wake()
    await ended(bench.db, second)
    expect(bench.mock.requests[1]?.body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: whole },
      { role: 'user', content: 'again' },
    ])
  })

  it('answers with the demonstration model and says so', async () => {
    const agent = await newAgent(bench.db)
    const turn = await ask(bench.db, agent, await newChat(bench.db, agent), '你好')
    await bench.work({ model: demoModel({ pace_ms: 1 }) })
    const answer = await ended(bench.db, turn)
    expect(answer.content).toContain('演示模型')
    expect(answer.metadata).toMatchObject({ demo: true, model: 'banyan-demo' })
  })

  it('costs two statements a turn after the push', async () => {
    const agent = await newAgent(bench.db)
    const chat = await newChat(bench.db, agent)
    const { worker } = await bench.work({ limits: { poll_ms: 60_000 } })
    const turn = async (parent?: string) => {
      const lease = worker.reserve(agent.user_id)
      expect(lease).toBeDefined()
      if (!lease) throw new Error('no lease')
      const asked = await ask(bench.db, agent, chat, 'hello', { lease, ...(parent ? { parent } : {}) })
      bench.sent.length = 0
      worker.started(lease, asked.execution_id)
      await until(() => worker.status().running).toBe(0)
      return asked
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    const first = await turn()
    await turn(first.answer_id)
    const own = bench.sent.filter(({ text }) => !text.includes('lease_until'))
    expect(own.map(({ text }) => text.slice(0, 30))).toHaveLength(2)
  })

  it('stops a run and keeps its text', async () => {
    bench.mock.set({ tokens: 1000, tokens_per_second: 100 })
    const agent = await newAgent(bench.db)
    const turn = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    const { worker, seen } = await bench.work()
    await until(() => seen(turn.execution_id).length).toBeGreaterThan(30)
    worker.cancel(turn.execution_id)
    const answer = await ended(bench.db, turn)
    expect(answer).toMatchObject({ status: 'sent', workflow_status: 'cancelled', execution_status: 'cancelled' })
    expect(answer.content).toBe(seen(turn.execution_id))
    // The provider was cut off before it could count: a third of the bytes.
    expect(answer.metadata.tokens_completion).toBe(Math.ceil(answer.content.length / 3))
    const [day] = await bench.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
      turn.user_id,
    ])
    expect(day?.tokens).toBe((answer.metadata.tokens_prompt ?? 0) + (answer.metadata.tokens_completion ?? 0))
    expect(await answerOf(bench.db, turn)).toMatchObject({ queued: false })
  })
})
