import { expect, it } from 'vitest'
import { sameJson } from './same-json.ts'

it('does not mind the order of keys or absent values', () => {
  expect(sameJson({ a: 1, b: { c: [1, { d: null }] } }, { b: { c: [1, { d: null }], e: undefined }, a: 1 })).toBe(true)
})

it('sees differences', () => {
  expect(sameJson([1, 2], [2, 1])).toBe(false)
  expect(sameJson({ a: null }, {})).toBe(false)
  expect(sameJson([], {})).toBe(false)
  expect(sameJson({ a: 1 }, { b: 1 })).toBe(false)
})
