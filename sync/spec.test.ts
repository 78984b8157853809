import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TRANSITIONS } from './core/status.ts'

const here = (path: string) => new URL(path, import.meta.url)
const spec = readFileSync(here('./SPEC.md'), 'utf8')

/** Rows of the table whose first heading is `name`, without its heading and its rule. */
function tableOf(name: string): string[][] {
  const lines = spec.split('\n')
  const from = lines.findIndex((line) => line.startsWith(`| ${name} |`))
  const to = lines.findIndex((line, at) => at > from && !line.startsWith('|'))
  const cells = (line: string) => line.split(/(?<!\\)\|/).slice(1, -1)
  return lines.slice(from, to).map((line) => cells(line).map((cell) => cell.trim()))
}

/** Titles of the tests in a file. */
function titlesIn(path: string): string[] {
  const tests = /\b(?:test|it)(?:\.each\([^]*?\n?\]\))?\(\s*(['"`])([^]*?[^\\])\1,/g
  return [...readFileSync(here(path), 'utf8').matchAll(tests)].map(([, , title = '']) => title)
}

const [, , ...invariants] = tableOf('#')

test('the invariants are numbered without a gap', () => {
  expect(invariants.length).toBeGreaterThan(0)
  expect(invariants.map(([number]) => number)).toEqual(invariants.map((_, index) => `I${index + 1}`))
})

test.each(invariants)('%s is held by tests that carry its number', (number, sentence, files) => {
  expect(sentence).toMatch(/\w+\.$/)
  const paths = [...(files ?? '').matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
  expect(paths).not.toEqual([])
  for (const path of paths) {
    expect(existsSync(here(path)), `${path} exists`).toBe(true)
    expect(titlesIn(path), `a test in ${path}`).toContainEqual(expect.stringMatching(new RegExp(`\\b${number}\\b`)))
  }
})

test('every promise that the simulator speaks of is an invariant', () => {
  const spoken = readFileSync(here('./testing/sim-facts.ts'), 'utf8').matchAll(/`(I\d+):|'(I\d+):/g)
  const numbers = new Set(invariants.map(([number]) => number))
  for (const [, one, other] of spoken) expect(numbers).toContain(one ?? other)
})

test('the status table is the one in the code', () => {
  const [header = [], , ...rows] = tableOf('state')
  const [, ...events] = header
  const table = Object.fromEntries(
    rows.map(([state, ...cells]) => [state, Object.fromEntries(cells.map((cell, index) => [events[index], cell]))]),
  )
  expect(table).toEqual(TRANSITIONS)
})
