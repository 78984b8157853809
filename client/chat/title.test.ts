import { expect, it } from 'vitest'
import { titleOf } from './title.ts'

it('takes a short message as it is, in one line and without marks', () => {
  expect(titleOf('  # 你好\n世界 ')).toBe('你好 世界')
  expect(titleOf('> **why** is `a > b`?')).toBe('why is a > b ?')
})

it('cuts a long one, Latin between words', () => {
  expect(titleOf('Please compare the prices of three competitors over the last six months')).toBe(
    'Please compare the prices of three competitors…',
  )
  expect(titleOf('对'.repeat(60))).toBe(`${'对'.repeat(24)}…`)
})

it('does not cut through an emoji', () => {
  expect(titleOf('👩‍👩‍👧'.repeat(30))).not.toMatch(/[\ud800-\udbff]…$/)
})
