import { onScopeDispose } from 'vue'
import { KEYMAP, matches, type KeyId } from './keymap.ts'

type Handler = (event: KeyboardEvent) => void | false
const handlers = new Map<KeyId, Handler[]>()
let listening = false

/** Handles a key of the keymap while the calling component lives; the newest handler wins, `false` passes on. */
export function useShortcut(id: KeyId, handler: Handler): void {
  listen()
  handlers.set(id, [handler, ...(handlers.get(id) ?? [])])
  onScopeDispose(() =>
    handlers.set(
      id,
      (handlers.get(id) ?? []).filter((other) => other !== handler),
    ),
  )
}

function listen(): void {
  if (listening) return
  listening = true
  window.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return
    for (const [id, list] of handlers) {
      if (list.length === 0 || !matches(event, KEYMAP[id]) || isBusyWith(event.target, KEYMAP[id])) continue
      for (const handler of list) {
        if (handler(event) === false) continue
        event.preventDefault()
        return
      }
    }
  })
}

/** Code editors keep every key; text fields keep those without Ctrl or Alt; an open dialog or menu keeps Esc and single keys. */
function isBusyWith(target: EventTarget | null, combination: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.closest('.cm-editor, [data-own-keys]') && combination !== KEYMAP.palette) return true
  const plain = !/Mod|Alt/.test(combination)
  if (plain && document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return true
  if (combination.length > 1) return false
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}
