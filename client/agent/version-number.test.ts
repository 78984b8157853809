import { expect, it } from 'vitest'
import { compareVersions, isAbove, nextVersion } from './version-number.ts'

it('suggests the number after the highest, by number and not by text', () => {
  expect(nextVersion(['1.9.0', '1.10.0', 'old'], 'patch')).toBe('1.10.1')
  expect(nextVersion(['1.10.3'], 'minor')).toBe('1.11.0')
  expect(nextVersion(['1.10.3'], 'major')).toBe('2.0.0')
  expect(nextVersion([], 'major')).toBe('1.0.0')
})

it('knows what is above the others', () => {
  expect(isAbove('1.10.0', ['1.9.9'])).toBe(true)
  expect(isAbove('1.9.9', ['1.9.9'])).toBe(false)
  expect(isAbove('v2', [])).toBe(false)
  expect(compareVersions('1.0.0', '2.0.0')).toBeLessThan(0)
})
