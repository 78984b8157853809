export type SendKey = 'enter' | 'mod-enter'

interface Press {
  key: string
  keyCode: number
  isComposing: boolean
  shiftKey: boolean
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
}

/**
 * What a key press in the composer means. An input method takes Enter to choose a word: `isComposing` says so, except
 * in Safari, which ends the composition before the key press and only leaves `keyCode` 229 (WebKit 165004).
 */
export function composerKey(
  press: Press,
  { sendKey, empty, mac }: { sendKey: SendKey; empty: boolean; mac: boolean },
): 'send' | 'edit-last' | undefined {
  if (press.isComposing || press.keyCode === 229) return undefined
  if (press.key === 'ArrowUp' && empty && !press.shiftKey && !press.altKey) return 'edit-last'
  if (press.key !== 'Enter' || press.shiftKey || press.altKey) return undefined
  const mod = mac ? press.metaKey : press.ctrlKey
  if (mod) return 'send'
  return sendKey === 'enter' && !press.ctrlKey && !press.metaKey ? 'send' : undefined
}
