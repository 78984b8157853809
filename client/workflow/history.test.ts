import { expect, it } from 'vitest'
import { historyOf, record, redo, undo } from './history.ts'

it('goes back and forth', () => {
  const history = record(record(historyOf('a'), 'b'), 'c')
  expect(undo(history).present).toBe('b')
  expect(redo(undo(history)).present).toBe('c')
  expect(undo(undo(undo(history))).present).toBe('a')
})

it('takes typing in one field as one step', () => {
  const history = record(record(record(historyOf(''), 'h', 'name'), 'hi', 'name'), 'hi!', 'text')
  expect(undo(history).present).toBe('hi')
  expect(undo(undo(history)).present).toBe('')
})

it('forgets what was undone when something else is done', () => {
  expect(redo(record(undo(record(historyOf(1), 2)), 3)).present).toBe(3)
})
