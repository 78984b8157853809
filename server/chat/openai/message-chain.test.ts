import { expect, test } from 'vitest'
import { chainOf, questionOf } from './message-chain.ts'

test('messages become a chain, each the child of the one before', () => {
  const chain = chainOf([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  ])
  expect(chain.map(({ content }) => content)).toEqual(['one', 'two', 'three'])
  expect(chain.map((message) => message.parent_message_id)).toEqual([null, chain[0]?.id, chain[1]?.id])
  expect(questionOf(chain)).toBe(chain[2])
})

test('system messages go in front of the next user message, once', () => {
  const chain = chainOf([
    { role: 'system', content: 'be brief' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'why?' },
    { role: 'user', content: 'and how?' },
  ])
  expect(chain.map(({ content }) => content)).toEqual(['hello', 'be brief\n\nwhy?', 'and how?'])
})

test('the last message must be from the user', () => {
  for (const messages of [[], [{ role: 'assistant', content: 'hello' } as const]]) {
    expect(() => questionOf(chainOf(messages))).toThrow(/from the user/)
  }
})

test('a message that no chat could hold is refused, with the instructions before it counted in', () => {
  const half = { content: '字'.repeat(50_000) }
  expect(() => chainOf([{ role: 'user', ...half }])).not.toThrow()
  expect(() =>
    chainOf([
      { role: 'system', ...half },
      { role: 'user', ...half },
    ]),
  ).toThrow(/at most 262144 bytes/)
})
