import { expect, test } from 'vitest'
import { rowKeyText } from '../../shared/kernel/mutator.ts'
import { effectOn, idOf, pendingOf } from '../testing/pending.ts'
import { dependants, effectOf, keyOfWrite, newMessageIds } from './effect.ts'

const chat = rowKeyText('chats', { id: idOf(90) })
const message = rowKeyText('chat_messages', { id: idOf(91) })

test('the key of a write is the table key, of several columns too', () => {
  expect(keyOfWrite({ op: 'upsert', table: 'preferences', row: { user_id: 'u', key: 'k', value: 1 } })).toEqual({
    table: 'preferences',
    key: { user_id: 'u', key: 'k' },
  })
})

test('what rests on a refused row falls with it, through each other, in order', () => {
  const refused = pendingOf(1, { effect: effectOn(['chats'], [chat], [chat]) })
  const send = pendingOf(2, { effect: effectOn(['chat_messages'], [chat, message], [message]) })
  const remove = pendingOf(3, { effect: effectOn(['chat_messages'], [message]) })
  const other = pendingOf(4, { effect: effectOn(['chats'], [`chats/id=${idOf(92)}`]) })
  const decided = pendingOf(5, { effect: effectOn(['chats'], [chat]), outcome: { status: 'applied' } })
  expect(dependants(refused, [other, remove, send, refused, decided]).map((item) => item.seq)).toEqual([2, 3])
})

test('a refused edit of a row takes nothing with it', () => {
  expect(
    dependants(pendingOf(1, { effect: effectOn(['chats'], [chat]) }), [
      pendingOf(2, { effect: effectOn(['chats'], [chat]) }),
    ]),
  ).toEqual([])
})

test('the messages a mutation makes are those it inserts', () => {
  const writes = [
    { op: 'insert' as const, table: 'chats', row: { id: idOf(1) } },
    { op: 'insert' as const, table: 'chat_messages', row: { id: idOf(2) } },
  ]
  expect(newMessageIds(pendingOf(1, { effect: effectOf([], writes) }))).toEqual([idOf(2)])
})

test('without an effect they are the ids made with the mutation', () => {
  const at = Date.parse('2026-11-22T00:00:00.000Z').toString(16).padStart(12, '0')
  const fresh = `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-000000000001`
  const old = `${'019000000000'.slice(0, 8)}-0000-7000-8000-000000000001`
  const item = pendingOf(1, { args: { user_message_id: fresh, parent_message_id: fresh, chat_id: old } })
  expect(newMessageIds(item)).toEqual([fresh])
})
