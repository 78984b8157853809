import { expect, it } from 'vitest'
import { snippet } from './snippet.ts'

it('shows the words with what stands around them, in one line', () => {
  expect(snippet('一二三\n四五六七八', '五六', 2)).toEqual({ before: '… 四', hit: '五六', after: '七八' })
})

it('shows the beginning when the words stand further down than the text that was sent', () => {
  expect(snippet('abc', 'zzz')).toEqual({ before: 'abc', hit: '', after: '' })
})
