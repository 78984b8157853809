import { describe, expect, it } from 'vitest'
import { composerKey } from './composer-key.ts'

const press = (more: object) => ({
  key: 'Enter',
  keyCode: 13,
  isComposing: false,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
})
const enter = { sendKey: 'enter', empty: false, mac: false } as const

describe('Enter in the composer', () => {
  it('sends', () => {
    expect(composerKey(press({}), enter)).toBe('send')
  })

  it('never sends while an input method composes, in either order of events', () => {
    expect(composerKey(press({ isComposing: true }), enter)).toBeUndefined()
    expect(composerKey(press({ keyCode: 229 }), enter)).toBeUndefined()
  })

  it('makes a new line with Shift', () => {
    expect(composerKey(press({ shiftKey: true }), enter)).toBeUndefined()
  })

  it('waits for Ctrl or ⌘ when the person chose so', () => {
    const options = { ...enter, sendKey: 'mod-enter' } as const
    expect(composerKey(press({}), options)).toBeUndefined()
    expect(composerKey(press({ ctrlKey: true }), options)).toBe('send')
    expect(composerKey(press({ metaKey: true }), { ...options, mac: true })).toBe('send')
  })
})

it('brings the last message back for editing when there is nothing else to move through', () => {
  expect(composerKey(press({ key: 'ArrowUp', keyCode: 38 }), { ...enter, empty: true })).toBe('edit-last')
  expect(composerKey(press({ key: 'ArrowUp', keyCode: 38 }), enter)).toBeUndefined()
})
