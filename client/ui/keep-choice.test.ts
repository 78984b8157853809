import { expect, it } from 'vitest'
import { keepChoice } from './keep-choice.ts'

const list = (...ids: string[]) => ids.map((id) => ({ id }))

it('stays with its entry when others come before it or go', () => {
  expect(keepChoice(1, list('chat', 'store'), list('chat', 'late', 'store'))).toBe(2)
  expect(keepChoice(2, list('chat', 'late', 'store'), list('chat', 'store'))).toBe(1)
})

it('begins anew when its entry is gone', () => {
  expect(keepChoice(1, list('chat', 'store'), list('other', 'another'))).toBe(0)
})

it('is the first entry until somebody chooses', () => {
  expect(keepChoice(0, list('old'), list('new', 'old'))).toBe(0)
})
