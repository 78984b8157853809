import { expect, test } from 'vitest'
import { nameOf, parseName, predecessors } from './replica-name.ts'
import { schemaHash } from './replica-schema.ts'

const own = schemaHash()
const before = '0123456789abcdef'

test('names are read as they are written, and nothing else is a name', () => {
  expect(parseName(nameOf({ schema: own, generation: 12 }))).toEqual({ schema: own, generation: 12 })
  expect(parseName('lost+found')).toBeUndefined()
})

test('a new replica begins with an earlier generation of its schema, or with another schema, the latest first', () => {
  const names = [`${own}-g2`, `${before}-g3`, `${own}-g1`, `${before}-g1`]
  const { same, other } = predecessors(names, { generation: 3, oldest: 0 })
  expect(same.map(nameOf)).toEqual([`${own}-g2`, `${own}-g1`])
  expect(other.map(nameOf)).toEqual([`${before}-g3`, `${before}-g1`])
})

test('what could not be opened, and what a later engine writes, is left alone', () => {
  const names = [`${own}-g1`, `${before}-g1`, `${own}-g4`, `${before}-g4`]
  expect(predecessors(names, { generation: 3, oldest: 2 })).toEqual({ same: [], other: [] })
})
