import { expect, test } from 'vitest'
import { idOf, pendingOf } from '../testing/pending.ts'
import { joined } from './joining.ts'
import type { Pending } from './pending.ts'

const DRAFT = idOf(70)
const save = (seq: number, from: string, to: string, more: Partial<Pending> = {}): Pending =>
  pendingOf(seq, {
    name: 'draft.update',
    version: 2,
    args: { id: DRAFT, set: { system_prompt: to }, base: { system_prompt: from } },
    ...more,
  })

test('a save takes the place of the one that it goes on from, and of those that it had taken up (I36)', () => {
  const waiting = save(2, '', 'ab', { absorbs: [idOf(1)] })
  const { mutation, replaces } = joined(save(3, 'ab', 'abc'), [waiting])
  expect(replaces).toBe(waiting)
  expect(mutation).toMatchObject({
    id: idOf(3),
    absorbs: [idOf(1), idOf(2)],
    args: { set: { system_prompt: 'abc' }, base: { system_prompt: '' } },
  })
})

test.each<[string, Pending[]]>([
  ['has been on its way', [save(1, '', 'ab', { tried: true })]],
  ['has been answered', [save(1, '', 'ab', { outcome: { status: 'applied' } })]],
  ['was written by a client that knew no bases', [save(1, '', 'ab', { version: 1 })]],
  [
    'something else of this draft came after',
    [save(1, '', 'ab'), pendingOf(2, { name: 'draft.settleConflict', args: { id: idOf(9), draft_id: DRAFT } })],
  ],
  [
    'the agent was deleted after',
    [save(1, '', 'ab'), pendingOf(2, { name: 'agent.delete', args: { draft_id: DRAFT } })],
  ],
])('it stays beside one that %s', (_, outbox) => {
  expect(joined(save(5, 'ab', 'abc'), outbox).replaces).toBeUndefined()
})

test('other mutations stay as they are', () => {
  const rename = (seq: number) => pendingOf(seq, { name: 'chat.update', args: { id: idOf(10), set: { title: 'x' } } })
  expect(joined(rename(2), [rename(1)])).toEqual({ mutation: rename(2), replaces: undefined })
})
