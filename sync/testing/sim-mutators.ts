import { Type } from 'typebox'
import { userError } from '../../shared/kernel/errors.ts'
import { mutator, type RowKey, type Write } from '../../shared/kernel/mutator.ts'

/** The server breaks on it each time, and says 500. */
export const poison = mutator({
  name: 'test.poison',
  permission: 'nobody',
  args: Type.Object({}),
  reads: () => [],
  run: (_, __, { mutation_id, now }) => {
    if (now >= '') throw new Error(`${mutation_id} is poison`)
    return []
  },
})

/** The device sees nothing wrong with it. */
export const poisonHere = { ...poison, run: () => [] }

/**
 * Writes one row whatever clock is there, and may touch a chat besides: settlement alone keeps such mutators in order.
 * Ours all look at clocks today.
 */
export const note = mutator({
  name: 'test.note',
  permission: 'nobody',
  args: Type.Object({ key: Type.String(), value: Type.String(), chat_id: Type.Optional(Type.String()) }),
  reads: ({ key, chat_id }, { user_id }) => {
    const own: RowKey = { table: 'preferences', key: { user_id, key } }
    return chat_id === undefined ? [own] : [own, { table: 'chats', key: { id: chat_id } }]
  },
  run: ({ key, value, chat_id }, rows, { user_id, hlc, now }) => {
    const own: Write = { op: 'upsert', table: 'preferences', row: { user_id, key, value, hlc, updated_at: now } }
    if (chat_id === undefined) return [own]
    const chat = { table: 'chats', key: { id: chat_id } }
    if (!rows.get(chat.table, chat.key)) throw userError('row/not-found', { table: chat.table })
    return [own, { op: 'update', ...chat, set: { updated_at: now } }]
  },
})
