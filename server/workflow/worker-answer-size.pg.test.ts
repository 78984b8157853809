import { describe, expect, it } from 'vitest'
import { byteLength, CAPS } from '../../shared/kernel/caps.ts'
import { until, useBench } from './testing/bench.ts'
import { chain, node } from './testing/definitions.ts'
import { ask, ended, newAgent, newChat } from './testing/rig.ts'

const bench = useBench()

/** 400 KB in words of 301 bytes: no word ends where a message does. */
const ENDLESS = `${'字'.repeat(100)} `.repeat(1_360)

describe('an answer that no message can hold', () => {
  it.each([undefined, 'no-stream' as const])(
    'is cut where the message is full, says so, and is bought no further (%s)',
    async (fault) => {
      bench.mock.set({ answer: ENDLESS, tokens_per_second: 10_000, fault })
      const agent = await newAgent(bench.db)
      const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
      const { seen } = await bench.work()
      const answer = await ended(bench.db, asked)
      expect(answer).toMatchObject({ status: 'sent', workflow_status: 'completed', execution_status: 'completed' })
      expect(answer.metadata).toMatchObject({ cut: 'size', model: 'mock' })
      expect(CAPS.message - byteLength(answer.content)).toBeLessThan(3)
      expect(CAPS.message - byteLength(answer.content)).toBeGreaterThanOrEqual(0)
      expect(ENDLESS.startsWith(answer.content)).toBe(true)
      expect(seen(asked.execution_id)).toBe(answer.content)
      if (!fault) await until(() => bench.mock.aborted).toBe(1)
      // A provider that was cut off before it could count: a third of the bytes.
      expect(answer.metadata.tokens_completion).toBe(fault ? 1_360 : Math.ceil(byteLength(answer.content) / 3))
      const [day] = await bench.db.query<{ tokens: number }>('select tokens from token_usages where user_id = $1', [
        asked.user_id,
      ])
      expect(day?.tokens).toBe((answer.metadata.tokens_prompt ?? 0) + (answer.metadata.tokens_completion ?? 0))
    },
  )

  it('is cut, and says so, when a template made it', async () => {
    const definition = chain(
      node('start', 'start'),
      node('end', 'end', { template: '{{ input.text }}{{ input.text }}' }),
    )
    const agent = await newAgent(bench.db, definition)
    const text = '😀'.repeat(40_000)
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), text)
    const { seen } = await bench.work()
    const answer = await ended(bench.db, asked)
    expect(answer.content).toBe('😀'.repeat(CAPS.message / 4))
    expect(answer.metadata).toMatchObject({ cut: 'size' })
    expect(seen(asked.execution_id)).toBe(answer.content)
  })

  it('says so, too, when a node before it had more to say', async () => {
    const definition = chain(
      node('start', 'start'),
      node('draft', 'llm', { prompt: 'Draft' }),
      node('end', 'end', { template: 'done' }),
    )
    bench.mock.set({ answer: ENDLESS, tokens_per_second: 10_000 })
    const agent = await newAgent(bench.db, definition)
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    await bench.work()
    expect(await ended(bench.db, asked)).toMatchObject({ content: 'done', metadata: { cut: 'size' } })
  })
})

describe('an answer that the model itself cut off', () => {
  it('says so', async () => {
    bench.mock.set({ finish_reason: 'length' })
    const agent = await newAgent(bench.db)
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    await bench.work()
    expect((await ended(bench.db, asked)).metadata).toMatchObject({ cut: 'length' })
  })

  it('as other answers say nothing', async () => {
    const agent = await newAgent(bench.db)
    const asked = await ask(bench.db, agent, await newChat(bench.db, agent), 'hello')
    await bench.work()
    expect((await ended(bench.db, asked)).metadata).not.toHaveProperty('cut')
  })
})
