import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { next, TRANSITIONS, type Event, type State } from './status.ts'

test('the transition table is the one in SPEC.md', () => {
  const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')
  const rows = spec
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const header = rows.findIndex(([first]) => first === 'state')
  const [, ...events] = rows[header] ?? []
  const table = Object.fromEntries(
    rows
      .slice(header + 2, header + 2 + Object.keys(TRANSITIONS).length)
      .map(([state, ...cells]) => [state, Object.fromEntries(cells.map((cell, index) => [events[index], cell]))]),
  )
  expect(table).toEqual(TRANSITIONS)
})

test('signing in is the only way out of signed-out', () => {
  const events = Object.keys(TRANSITIONS['signed-out']).filter((event): event is Event => event !== 'authorized')
  expect(events.every((event) => next('signed-out', event) === 'signed-out')).toBe(true)
})

test('attention never turns into synced by itself', () => {
  const reached = new Set<State>(Object.values(TRANSITIONS.attention))
  expect(reached.has('synced')).toBe(false)
})
