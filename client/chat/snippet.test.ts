import { expect, it } from 'vitest'
import { plain, snippet } from './snippet.ts'

it('shows the words with what stands around them, in one line', () => {
  expect(snippet('一二三\n四五六七八', '五六', 2)).toEqual({ before: '… 四', hit: '五六', after: '七八' })
})

it('shows plain words, and marks only where the words are nowhere else', () => {
  expect(snippet('# 标题\n\n看 **这里** 吧', '这里')).toEqual({ before: '标题 看 ', hit: '这里', after: ' 吧' })
  expect(snippet('[文档](https://example.com)', 'example')).toEqual({
    before: '[文档](https://',
    hit: 'example',
    after: '.com)',
  })
})

it('shows the beginning when the words stand further down than the text that was sent', () => {
  expect(snippet('abc', 'zzz')).toEqual({ before: 'abc', hit: '', after: '' })
})

it.each([
  ['# 标题\n\n下面是 **重点**，含 `code`', '标题 下面是 重点，含 code'],
  ['见[链接](https://example.com/a)和![图](x.png)', '见链接和图'],
  ['- 一\n- 二\n\n> 引用\n\n1. 三', '一 二 引用 三'],
  ['```js\nlet created_at = 1\n```', 'let created_at = 1'],
  ['见表\n\n| 甲 | 乙 |\n| - | :-: |\n| 1 | a |\n', '见表 甲 乙 1 a'],
  ['a | b', 'a | b'],
  ['被截断的[链接](https://exam', '被截断的链接'],
])('makes one plain line of %j', (text, line) => {
  expect(plain(text)).toBe(line)
})
