/** Undo and redo over whole values. */
export interface History<T> {
  past: T[]
  present: T
  future: T[]
  /** Edits with the same label in a row are one step back: typing in one field. */
  label: string | undefined
}

const DEPTH = 100

export function historyOf<T>(present: T): History<T> {
  return { past: [], present, future: [], label: undefined }
}

export function record<T>(history: History<T>, next: T, label?: string): History<T> {
  const joins = label !== undefined && label === history.label
  const past = joins ? history.past : [...history.past, history.present].slice(-DEPTH)
  return { past, present: next, future: [], label }
}

export function undo<T>(history: History<T>): History<T> {
  const before = history.past.at(-1)
  if (before === undefined) return history
  return {
    past: history.past.slice(0, -1),
    present: before,
    future: [history.present, ...history.future],
    label: undefined,
  }
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future
  if (next === undefined) return history
  return { past: [...history.past, history.present], present: next, future, label: undefined }
}
