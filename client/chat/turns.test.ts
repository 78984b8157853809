import { expect, it } from 'vitest'
import { answerBefore, isVanished } from './turns.ts'

type Status = 'sent' | 'sending' | 'deleted'
const entry = (role: 'user' | 'assistant', status: Status, siblings = 1) => ({
  message: { role, status },
  siblings: Array.from({ length: siblings }),
})
const turn = (question: Status, answer: Status) => [entry('user', question), entry('assistant', answer)]

it('finds the answer that a question follows, past what was taken away', () => {
  const path = [...turn('sent', 'sending'), ...turn('deleted', 'deleted'), ...turn('sent', 'sending')]
  expect(answerBefore(path, 4)).toBe(path[1])
  expect(answerBefore(path, 0)).toBeUndefined()
})

it('draws nothing of a turn that is gone whole, and a tombstone for half of one', () => {
  const path = [...turn('deleted', 'deleted'), ...turn('deleted', 'sent'), ...turn('sent', 'deleted')]
  expect(path.map((_, index) => isVanished(path, index))).toEqual([true, true, false, false, false, false])
})

it('draws a tombstone that has other branches beside it', () => {
  const path = [entry('user', 'deleted', 2), entry('assistant', 'deleted')]
  expect(path.map((_, index) => isVanished(path, index))).toEqual([false, false])
})
