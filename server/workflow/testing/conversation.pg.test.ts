import { describe, expect, it } from 'vitest'
import { useBench } from './bench.ts'
import { tableConversation } from './conversation.ts'
import { ask, newAgent, newChat } from './rig.ts'

const bench = useBench()

/** A chat of `turns` turns, each answered; gives the id of its last run. */
async function chatOf(turns: number, model_params?: unknown): Promise<string> {
  const agent = await newAgent(bench.db, undefined, { model_params })
  const chat = await newChat(bench.db, agent)
  let parent: string | undefined
  let last = ''
  for (let index = 0; index < turns; index += 1) {
    const turn = await ask(bench.db, agent, chat, `question ${index}`, parent ? { parent } : {})
    await bench.db.query(`update chat_messages set content = $2, status = 'sent' where id = $1`, [
      turn.answer_id,
      `answer ${index}`,
    ])
    parent = turn.answer_id
    last = turn.execution_id
  }
  return last
}

describe('loading a run', () => {
  it('brings the ancestors of the question, oldest first', async () => {
    const [input] = await tableConversation(bench.db).load([await chatOf(3)])
    expect(input?.text).toBe('question 2')
    expect(input?.history.map((message) => message.content)).toEqual([
      'question 0',
      'answer 0',
      'question 1',
      'answer 1',
    ])
  })

  it('stops at the token budget of the version', async () => {
    const [input] = await tableConversation(bench.db).load([await chatOf(4, { context_tokens: 10 })])
    expect(input?.history.map((message) => message.content)).toEqual(['answer 1', 'question 2', 'answer 2'])
  })

  it('reads only what belongs to the run, also by a plan that was made for anything', async () => {
    const execution_id = await chatOf(30)
    await bench.db.query('analyze')
    const touched = await bench.db.transaction(async (tx) => {
      await tx.query('set local plan_cache_mode = force_generic_plan')
      const load = (text: string) =>
        tableConversation({
          ...bench.db,
          query: (statement) =>
            tx.query(text + (typeof statement === 'string' ? statement : statement.text), [[execution_id]]),
        })
      const rows: unknown[] = await load('explain (analyze, format json) ').load([execution_id])
      return JSON.stringify(rows)
    })
    const loops = [...touched.matchAll(/"Actual Loops":\s?([\d.]+)/g)].map((match) => Number(match[1]))
    expect(loops.length).toBeGreaterThan(5)
    expect(Math.max(...loops)).toBeLessThanOrEqual(60)
  })

  it('leaves out what is gone', async () => {
    expect(await tableConversation(bench.db).load(['00000000-0000-7000-8000-000000000000'])).toEqual([])
  })
})
