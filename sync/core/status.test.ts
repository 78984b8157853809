import { expect, test } from 'vitest'
import { next, TRANSITIONS, type Event, type State } from './status.ts'

test('signing in is the only way out of signed-out', () => {
  const events = Object.keys(TRANSITIONS['signed-out']).filter((event): event is Event => event !== 'authorized')
  expect(events.every((event) => next('signed-out', event) === 'signed-out')).toBe(true)
})

test('attention never turns into synced by itself', () => {
  const reached = new Set<State>(Object.values(TRANSITIONS.attention))
  expect(reached.has('synced')).toBe(false)
})
