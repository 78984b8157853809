import { shallowRef } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'red'
  action?: { label: string; run: () => void } | undefined
}

/** What is on screen now, oldest first. Rendered by ToastHost. */
export const toasts = shallowRef<readonly Toast[]>([])
let last = 0

/** Says something that needs no answer; with an action (e.g. undo) it stays longer. Returns the way to take it away. */
export function toast(
  text: string,
  options: { tone?: Toast['tone']; action?: Toast['action']; ms?: number } = {},
): () => void {
  const id = ++last
  const entry: Toast = { id, text, tone: options.tone ?? 'plain', action: options.action }
  toasts.value = [...toasts.value, entry].slice(-3)
  const timer = setTimeout(() => dismissToast(id), options.ms ?? (options.action ? 8000 : 4500))
  return () => {
    clearTimeout(timer)
    dismissToast(id)
  }
}

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((entry) => entry.id !== id)
}
