import { expect, it } from 'vitest'
import { bytes, listOf } from './format.ts'

it('lists things as the language does', () => {
  expect(listOf(['甲', '乙', '丙'], 'zh-CN')).toBe('甲、乙、丙')
  expect(listOf(['one', 'two', 'three'], 'en')).toBe('one, two, three')
  expect(listOf([], 'en')).toBe('')
})

it('counts bytes in the language', () => {
  expect([bytes(0, 'en'), bytes(1, 'en'), bytes(122, 'en'), bytes(66_000, 'en')]).toEqual([
    '0 bytes',
    '1 byte',
    '122 bytes',
    '66 kB',
  ])
  expect([bytes(122, 'zh-CN'), bytes(33_100_000, 'zh-CN')]).toEqual(['122 B', '33.1 MB'])
})
