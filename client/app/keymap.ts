/** Every key of the product, in the order in which the help shows them. Words: `app.keys.<id>`. */
export const KEYMAP = {
  palette: 'Mod+K',
  help: 'Mod+/',
  'chat-new': 'Mod+Shift+O',
  'chat-previous': 'Alt+ArrowUp',
  'chat-next': 'Alt+ArrowDown',
  'composer-focus': 'Shift+Escape',
  'answer-stop': 'Escape',
  'answer-copy': 'Mod+Shift+C',
  'code-copy': 'Mod+Shift+;',
  'sibling-previous': '[',
  'sibling-next': ']',
} as const

export type KeyId = keyof typeof KEYMAP

/** Keys that the composer handles itself; shown in the help. */
export const COMPOSER_KEYS = { 'composer-newline': 'Shift+Enter', 'composer-edit-last': 'ArrowUp' } as const

export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform)

const signs: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
  Enter: '↵',
  ...(isMac ? { Mod: '⌘', Shift: '⇧', Alt: '⌥' } : { Mod: 'Ctrl' }),
}

/** The keys of a combination as a person reads them, e.g. `['Ctrl', 'K']`. */
export function keySigns(combination: string): string[] {
  return combination.split('+').map((key) => signs[key] ?? key)
}

export function keyText(id: KeyId): string {
  return keySigns(KEYMAP[id]).join(isMac ? '' : '+')
}

export interface Pressed {
  key: string
  code: string
  ctrlKey: boolean
  metaKey: boolean
  shiftKey: boolean
  altKey: boolean
}

/** Whether a key press is this combination. Letters go by the key's value, so that other layouts work. */
export function matches(pressed: Pressed, combination: string, mac: boolean = isMac): boolean {
  const parts = combination.split('+')
  const key = parts.at(-1) ?? ''
  const mod = mac ? pressed.metaKey : pressed.ctrlKey
  const otherMod = mac ? pressed.ctrlKey : pressed.metaKey
  if (otherMod || mod !== parts.includes('Mod')) return false
  if (pressed.altKey !== parts.includes('Alt') || pressed.shiftKey !== parts.includes('Shift')) return false
  if (pressed.key.toLowerCase() === key.toLowerCase()) return true
  return key === ';' && pressed.code === 'Semicolon'
}
