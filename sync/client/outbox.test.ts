import { expect, test } from 'vitest'
import type { Mutation } from '../protocol/push.ts'
import { MemoryStore } from '../testing/memory-store.ts'
import { idOf } from '../testing/pending.ts'
import { enqueue, readOutbox } from './outbox.ts'
import { Pusher } from './pusher.ts'

const DEVICE = idOf(1)
const DRAFT = idOf(70)
const AT = '2026-11-23T00:00:00.000Z'
const type = (number: number) => ({
  id: idOf(100 + number),
  name: 'draft.update',
  version: 2,
  args: { id: DRAFT, set: { system_prompt: 'x'.repeat(number) }, base: { system_prompt: 'x'.repeat(number - 1) } },
  created_at: AT,
})

/** A pusher over a line that can be up or down, and what went through it. */
function pusherOver(store: MemoryStore, line: { up: boolean; answers: boolean }) {
  const sent: Mutation[] = []
  const nothing = () => undefined
  const events = { onReached: nothing, onLost: nothing, onUnauthorized: nothing, onProblem: nothing, onSolved: nothing }
  const pusher = new Pusher(store, DEVICE, { ...events, onAnswered: async () => undefined }, async (_, take) => {
    if (!line.up) return { ok: false, failure: { kind: 'network' } }
    const batch = await take()
    sent.push(...batch)
    if (!line.answers) return { ok: false, failure: { kind: 'network' } }
    return { ok: true, reply: { results: batch.map(({ id }) => ({ id, status: 'applied' as const })) } }
  })
  return { pusher, sent }
}

test('a hundred saves without a line become one push of one mutation, from the first text to the last (I36)', async () => {
  const store = new MemoryStore()
  const line = { up: false, answers: true }
  const { pusher, sent } = pusherOver(store, line)
  void pusher.run()
  for (let number = 1; number <= 100; number++) {
    await enqueue(store, DEVICE, type(number))
    pusher.wake()
  }
  line.up = true
  pusher.wake()
  await expect.poll(() => sent.length).toBeGreaterThan(0)
  pusher.stop()
  expect(sent.map(({ id, args }) => [id, args])).toEqual([
    [idOf(200), { id: DRAFT, set: { system_prompt: 'x'.repeat(100) }, base: { system_prompt: '' } }],
  ])
})

test('what may have reached the server is sent again as it was, and what follows it stays apart (I36)', async () => {
  const store = new MemoryStore()
  const line = { up: true, answers: false }
  const { pusher, sent } = pusherOver(store, line)
  await enqueue(store, DEVICE, type(1))
  void pusher.run()
  await expect.poll(() => sent.length).toBe(1)
  for (const number of [2, 3]) await enqueue(store, DEVICE, type(number))
  expect((await readOutbox(store)).map(({ id, absorbs }) => [id, absorbs])).toEqual([
    [idOf(101), undefined],
    [idOf(103), [idOf(102)]],
  ])
  line.answers = true
  pusher.wake()
  await expect.poll(() => sent.length).toBe(3)
  pusher.stop()
  expect(sent[1]).toEqual(sent[0])
})

test('a save that was taken up and comes again is not queued again', async () => {
  const store = new MemoryStore()
  for (const number of [1, 2, 1, 2]) await enqueue(store, DEVICE, type(number))
  expect((await readOutbox(store)).map(({ id }) => id)).toEqual([idOf(102)])
})

test('one that a replica refuses leaves what waited as it was', async () => {
  const store = new MemoryStore()
  await enqueue(store, DEVICE, type(1))
  const refused = enqueue(store, DEVICE, type(2), async () => () => {
    throw new Error('refused')
  })
  await expect(refused).rejects.toThrow('refused')
  expect((await readOutbox(store)).map(({ id }) => id)).toEqual([idOf(101)])
})

test('when a push begins while a replica is asked, nothing is taken up', async () => {
  const store = new MemoryStore()
  const { seq } = await enqueue(store, DEVICE, type(1))
  let asked = 0
  await enqueue(store, DEVICE, type(2), async () => {
    if (asked++ === 0) await store.outbox.update(seq, { tried: true })
    return undefined
  })
  expect(asked).toBe(2)
  expect((await readOutbox(store)).map(({ id }) => id)).toEqual([idOf(101), idOf(102)])
})
