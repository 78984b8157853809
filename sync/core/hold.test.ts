import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idOf, pendingOf } from '../testing/pending.ts'
import { ASK_AFTER_MS, heldBack, restsOnHeld, withFollowers } from './hold.ts'
import type { Pending } from './pending.ts'
import { nextBatch } from './push-batch.ts'

const WRITTEN = Date.parse('2026-11-22T00:00:00.000Z')
const NEXT_DAY = WRITTEN + ASK_AFTER_MS + 1
const written = (ms: number) => new Date(ms).toISOString()

/** A message of chat `chat`, whose question and answer have ids of their own; with `parent`, below an answer. */
function sendOf(seq: number, chat: number, parent?: number, more: Partial<Pending> = {}): Pending {
  const [question, answer] = [`chat_messages/id=${idOf(seq * 10)}`, `chat_messages/id=${idOf(seq * 10 + 1)}`]
  const below = parent === undefined ? [] : [`chat_messages/id=${idOf(parent * 10 + 1)}`]
  return pendingOf(seq, {
    name: 'message.send',
    args: { chat_id: idOf(chat), parent_message_id: parent === undefined ? null : idOf(parent * 10 + 1) },
    effect: {
      writes: [],
      tables: ['chat_messages'],
      creates: [question, answer],
      touches: [`chats/id=${idOf(chat)}`, question, answer, ...below],
    },
    ...more,
  })
}
const idsOf = (ids: ReadonlySet<string>) => [...ids].sort()

test('nothing asks on the day it was written', () => {
  const outbox = [sendOf(1, 900), sendOf(2, 901)]
  expect(heldBack(outbox, NEXT_DAY - 2)).toEqual({ asks: new Set(), waits: new Set() })
})

test('an old message asks; what follows it waits, and everything else goes on (I16)', () => {
  const young = { created_at: written(NEXT_DAY) }
  const outbox = [
    sendOf(1, 900),
    sendOf(2, 900, 1, young),
    sendOf(3, 900, undefined, young),
    sendOf(4, 901, undefined, young),
    pendingOf(5, { name: 'chat.update', args: { id: idOf(900), set: { title: 'new' } } }),
    pendingOf(6, { name: 'branch.choose', args: { chat_id: idOf(900), fork_id: idOf(900), child_id: idOf(10) } }),
    pendingOf(7, { name: 'preference.set', args: { key: 'a', value: 1 } }),
  ]
  const held = heldBack(outbox, NEXT_DAY)
  expect(idsOf(held.asks)).toEqual([idOf(1)])
  expect(idsOf(held.waits)).toEqual([idOf(2), idOf(3), idOf(6)])
  expect(nextBatch(outbox, { narrow: false }, held).map(({ seq }) => seq)).toEqual([4, 5, 7])
})

test('everything of a chat that an old message makes waits for it', () => {
  const first = sendOf(1, 900)
  const made = { ...first, effect: first.effect && { ...first.effect, creates: [`chats/id=${idOf(900)}`] } }
  const rename = pendingOf(2, { name: 'chat.update', args: { id: idOf(900), set: { title: 'new' } } })
  expect(idsOf(heldBack([made, rename], NEXT_DAY).waits)).toEqual([idOf(2)])
})

test('who has said yes is not asked again for a day', () => {
  const agreed = sendOf(1, 900, undefined, { agreed_at: NEXT_DAY })
  expect(heldBack([agreed], NEXT_DAY + ASK_AFTER_MS).asks.size).toBe(0)
  expect(heldBack([agreed], NEXT_DAY + ASK_AFTER_MS + 1).asks.size).toBe(1)
})

test('what was taken back before it was sent has nothing to ask', () => {
  const withdrawal = pendingOf(2, {
    name: 'message.withdraw',
    args: { user_message_id: idOf(10), answer_message_id: idOf(11) },
  })
  expect(heldBack([sendOf(1, 900), withdrawal], NEXT_DAY)).toEqual({ asks: new Set(), waits: new Set() })
})

test('nothing is under way while all that is left waits for a yes, or shows behind what does', () => {
  const asks = sendOf(1, 900)
  const rename = pendingOf(2, { name: 'chat.update', args: { id: idOf(900) } })
  const at = (outbox: Pending[]) => restsOnHeld(outbox, heldBack(outbox, NEXT_DAY))
  expect(at([])).toBe(true)
  expect(at([asks])).toBe(true)
  expect(at([asks, rename])).toBe(false)
  expect(at([asks, { ...rename, outcome: { status: 'applied' } }])).toBe(true)
  expect(at([asks, pendingOf(3, { outcome: { status: 'applied' } })])).toBe(false)
})

test('a message that was sent asks nothing', () => {
  expect(heldBack([sendOf(1, 900, undefined, { outcome: { status: 'applied' } })], NEXT_DAY).asks.size).toBe(0)
})

test('what is written down without a replica is known by the ids of its arguments', () => {
  // UUIDv7 made in the millisecond of the act
  const at = WRITTEN.toString(16).padStart(12, '0')
  const made = (end: number) => `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-${String(end).padStart(12, '0')}`
  const bare = pendingOf(1, { name: 'message.send', args: { chat_id: idOf(900), answer_message_id: made(1) } })
  const choose = pendingOf(2, { name: 'branch.choose', args: { child_id: made(1) } })
  expect(idsOf(heldBack([bare, choose], NEXT_DAY).waits)).toEqual([idOf(2)])
})

test('no message is ever sent before an older one of its chat, and none that asks', () => {
  const sends = fc.array(fc.record({ chat: fc.integer({ min: 900, max: 902 }), old: fc.boolean() }), { maxLength: 20 })
  fc.assert(
    fc.property(sends, (list) => {
      const outbox = list.map(({ chat, old }, index) =>
        sendOf(index + 1, chat, undefined, { created_at: written(old ? WRITTEN : NEXT_DAY) }),
      )
      const held = heldBack(outbox, NEXT_DAY)
      const sent = nextBatch(outbox, { narrow: false }, held)
      for (const item of sent) {
        const earlier = outbox.filter(({ seq, args }) => seq < item.seq && args['chat_id'] === item.args['chat_id'])
        expect(earlier.every(({ seq }) => sent.some((other) => other.seq === seq))).toBe(true)
        expect(held.asks.has(item.id)).toBe(false)
      }
      expect(sent.length + held.asks.size + held.waits.size).toBe(outbox.length)
    }),
  )
})

test('what moves takes with it everything that must come after it', () => {
  const outbox = [sendOf(1, 900), sendOf(2, 901), sendOf(3, 900, 1), sendOf(4, 901, 3)]
  const [first] = outbox
  expect(first && withFollowers(first, outbox).map(({ seq }) => seq)).toEqual([1, 3, 4])
})
