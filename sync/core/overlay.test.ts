import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { mutator, rowKeyText, type Mutator, type Row, type Write } from '../../shared/kernel/mutator.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { pendingOf } from '../testing/pending.ts'
import { replay, type Base } from './overlay.ts'

const args = Type.Object({ id: Type.String(), title: Type.String() })
const reads = ({ id }: { id: string }) => [{ table: 'chats', key: { id } }]
const create = mutator({
  name: 'create',
  permission: 'chat.use',
  args,
  reads,
  run: ({ id, title }, rows): Write[] => {
    if (rows.get('chats', { id })) throw userError('row/exists')
    return [
      { op: 'insert', table: 'chats', row: { id, title } },
      { op: 'upsert', table: 'preferences', row: { user_id: 'u', key: 'last', value: id } },
    ]
  },
})
const rename = mutator({
  name: 'rename',
  permission: 'chat.use',
  args,
  reads,
  run: ({ id, title }, rows): Write[] => {
    const chat = rows.get('chats', { id })
    if (!chat) throw userError('row/not-found')
    return [{ op: 'update', table: 'chats', key: { id }, set: { title: `${String(chat['title'])}+${title}` } }]
  },
})
const remove = mutator({
  name: 'remove',
  permission: 'chat.use',
  args,
  reads,
  run: ({ id }): Write[] => [{ op: 'delete', table: 'chats', key: { id } }],
})
const mutators: Record<string, Mutator> = Object.fromEntries([create, rename, remove].map((one) => [one.name, one]))
const deps = { mutators, user_id: 'u' }

const KEY = rowKeyText('chats', { id: '1' })
const PREFERENCE = rowKeyText('preferences', { user_id: 'u', key: 'last' })
const base = (row: Row | null, preference: Row | null = null): Base =>
  new Map([
    [KEY, row],
    [PREFERENCE, preference],
  ])
const item = (seq: number, name: string, title = 't') => pendingOf(seq, { name, args: { id: '1', title } })

test('mutations replay in outbox order, each over what the earlier ones made', () => {
  const { rows } = replay([item(3, 'rename', 'b'), item(1, 'create', 'x'), item(2, 'rename', 'a')], base(null), deps)
  expect(rows.get(KEY)?.row).toEqual({ id: '1', title: 'x+a+b' })
})

test('rows that were not read yet are asked for, and nothing is concluded without them', () => {
  const { missing, rows, effects } = replay([item(1, 'rename')], new Map(), deps)
  expect(missing).toEqual([{ table: 'chats', key: { id: '1' } }])
  expect(rows.size + effects.size).toBe(0)
})

test('a row that the server has made is not covered by the insert that asked for it (I8)', () => {
  const first = replay([item(1, 'create', 'mine')], base(null), deps)
  const known = { ...item(1, 'create', 'mine'), effect: first.effects.get(item(1, 'create').id) }
  const { rows } = replay([known], base({ id: '1', title: 'server' }), deps)
  expect(rows.has(KEY)).toBe(false)
})

test('a replay that refuses keeps the effect the mutation had (I7)', () => {
  const first = replay([item(1, 'create')], base(null), deps)
  const known = { ...item(1, 'create'), effect: first.effects.get(item(1, 'create').id) }
  const { rows } = replay([known], base({ id: '1', title: 'server' }), deps)
  expect(rows.get(PREFERENCE)?.row).toMatchObject({ value: '1' })
})

test('a delete hides the row, and a later insert shows it again', () => {
  expect(replay([item(1, 'remove')], base({ id: '1', title: 'x' }), deps).rows.get(KEY)?.row).toBeNull()
  const { rows } = replay([item(1, 'remove'), item(2, 'create', 'new')], base({ id: '1', title: 'x' }), deps)
  expect(rows.get(KEY)?.row).toEqual({ id: '1', title: 'new' })
})

test('effects are told once: for mutations that have none yet', () => {
  const first = replay([item(1, 'create')], base(null), deps)
  const effect = first.effects.get(item(1, 'create').id)
  expect(effect).toMatchObject({ creates: [KEY], tables: ['chats', 'preferences'] })
  expect(replay([{ ...item(1, 'create'), effect }], base(null), deps).effects.size).toBe(0)
})

test('a replay that writes more than before says so, and forgets nothing that was touched', () => {
  const choose = mutator({
    name: 'choose',
    permission: 'chat.use',
    args,
    reads,
    run: ({ id, title }, rows): Write[] => [
      { op: 'upsert', table: 'preferences', row: { user_id: 'u', key: 'last', value: title } },
      ...(rows.get('chats', { id }) ? [{ op: 'update' as const, table: 'chats', key: { id }, set: { title } }] : []),
    ],
  })
  const known = { mutators: { choose }, user_id: 'u' }
  const first = replay([item(1, 'choose')], base(null), known).effects.get(item(1, 'choose').id)
  expect(first).toMatchObject({ tables: ['preferences'] })
  const second = replay([{ ...item(1, 'choose'), effect: first }], base({ id: '1', title: 'x' }), known)
  const effect = second.effects.get(item(1, 'choose').id)
  expect(effect).toMatchObject({ tables: ['preferences', 'chats'], writes: [{}, { op: 'update' }] })
  const third = replay([{ ...item(1, 'choose'), effect }], base(null), known).effects.get(item(1, 'choose').id)
  expect(third).toMatchObject({ tables: ['preferences', 'chats'], writes: [{}] })
})

test('an unknown mutation keeps its effect or has none', () => {
  const writes: Write[] = [{ op: 'insert', table: 'chats', row: { id: '1', title: 'kept' } }]
  const effect = { writes, creates: [KEY], touches: [KEY], tables: ['chats'] }
  expect(replay([pendingOf(1, { name: 'gone', effect })], base(null), deps).rows.get(KEY)?.row).toMatchObject({
    title: 'kept',
  })
  expect(replay([pendingOf(1, { name: 'constructor' })], base(null), deps).rows.size).toBe(0)
})
