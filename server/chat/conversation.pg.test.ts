import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../kernel/db.ts'
import { openTestDatabase } from '../kernel/testing/database-pool.ts'
import { ask, newAgent, newChat } from '../workflow/testing/rig.ts'
import { createConversation } from './conversation.ts'

let db: Database
let drop: () => Promise<void>
beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
})
afterAll(() => drop())

/** What a run sees of a chat in which these answers were given; its budget in tokens. */
async function historyOf(answers: readonly string[], context_tokens?: number): Promise<string[]> {
  const agent = await newAgent(db, undefined, { model_params: { context_tokens } })
  const chat = await newChat(db, agent)
  let parent: string | undefined
  for (const [index, answer] of answers.entries()) {
    const turn = await ask(db, agent, chat, `question ${index}`, parent ? { parent } : {})
    await db.query(`update chat_messages set content = $2, status = 'sent' where id = $1`, [turn.answer_id, answer])
    parent = turn.answer_id
  }
  const last = await ask(db, agent, chat, 'and then?', parent ? { parent } : {})
  const [input] = await createConversation(db).load([last.execution_id])
  expect(input?.text).toBe('and then?')
  return input?.history.map(({ content }) => content) ?? []
}

describe('what a run sees of its chat', () => {
  it('is everything before the question, oldest first', async () => {
    expect(await historyOf(['one', 'two'])).toEqual(['question 0', 'one', 'question 1', 'two'])
  })

  it('ends at the budget', async () => {
    expect(await historyOf(['one', 'two', 'three'], 4)).toEqual(['question 2', 'three'])
  })

  it.each([
    ['Chinese', '字'.repeat(99_000), `…${'字'.repeat(8_000)}`],
    ['Latin', 'a'.repeat(250_000), `…${'a'.repeat(24_000)}`],
  ])('is the end of an answer that is larger than the budget (%s)', async (_, answer, seen) => {
    expect(await historyOf(['one', answer])).toEqual([seen])
  })
})
