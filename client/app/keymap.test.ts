import { expect, it } from 'vitest'
import { KEYMAP, matches } from './keymap.ts'

const press = (key: string, more: object = {}) => ({
  key,
  code: '',
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
})

it('takes Ctrl on other systems and ⌘ on a Mac', () => {
  expect(matches(press('k', { ctrlKey: true }), KEYMAP.palette, false)).toBe(true)
  expect(matches(press('k', { metaKey: true }), KEYMAP.palette, false)).toBe(false)
  expect(matches(press('k', { metaKey: true }), KEYMAP.palette, true)).toBe(true)
})

it('wants exactly the named modifiers', () => {
  expect(matches(press('O', { ctrlKey: true, shiftKey: true }), KEYMAP['chat-new'], false)).toBe(true)
  expect(matches(press('o', { ctrlKey: true }), KEYMAP['chat-new'], false)).toBe(false)
  expect(matches(press('Escape', { shiftKey: true }), KEYMAP['answer-stop'], false)).toBe(false)
})

it('finds the semicolon under a colon', () => {
  expect(matches(press(':', { code: 'Semicolon', ctrlKey: true, shiftKey: true }), KEYMAP['code-copy'], false)).toBe(
    true,
  )
})
