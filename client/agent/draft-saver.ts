export type SaveState = 'saved' | 'saving' | 'failed'

export interface DraftSaver<F extends object> {
  /** Takes a new value of one field; it is saved when that field has been still for `delay` ms. */
  set<K extends keyof F>(field: K, value: F[K]): void
  /** Saves what waits, now. */
  flush(): Promise<void>
  /** Fields whose last value is not stored yet. */
  dirty(): ReadonlySet<keyof F>
  state(): SaveState
  /** Why the last save of a field failed. */
  error(field: keyof F): unknown
  /** The first of these. */
  failure(): unknown
}

interface Options<F extends object> {
  /** `base`: the field as it was when the person began to change it, or as the last save of the same edit left it. */
  save: (set: Partial<F>, base: Partial<F>) => Promise<unknown>
  /** What the person sees of a field before they change it. */
  shown: <K extends keyof F>(field: K) => F[K] | undefined
  delay: number
  changed: () => void
}

/** Saves each field on its own, one write at a time a field, and never loses the value typed last. */
export function draftSaver<F extends object>({ save, shown, delay, changed }: Options<F>): DraftSaver<F> {
  const waiting: Partial<F> = {}
  /** Where the edit of each dirty field starts from. */
  const bases: Partial<F> = {}
  const dirty = new Set<keyof F>()
  const timers = new Map<keyof F, ReturnType<typeof setTimeout>>()
  const failures = new Map<keyof F, unknown>()
  let queue: Promise<void> = Promise.resolve()

  async function write(field: keyof F): Promise<void> {
    if (!Object.hasOwn(waiting, field)) return
    const value = waiting[field]
    delete waiting[field]
    try {
      await save(only(field, value), only(field, bases[field]))
      // Typed again meanwhile: the newer value is still to come, and starts from this one.
      bases[field] = value
      if (!Object.hasOwn(waiting, field)) dirty.delete(field)
    } catch (error) {
      failures.set(field, error)
    }
    changed()
  }

  function start(field: keyof F): void {
    clearTimeout(timers.get(field))
    timers.delete(field)
    queue = queue.then(() => write(field))
  }

  return {
    set(field, value) {
      if (!dirty.has(field)) bases[field] = shown(field)
      waiting[field] = value
      dirty.add(field)
      failures.delete(field)
      clearTimeout(timers.get(field))
      timers.set(
        field,
        setTimeout(() => start(field), delay),
      )
      changed()
    },
    flush() {
      for (const field of timers.keys()) start(field)
      return queue
    },
    dirty: () => dirty,
    state: () => (failures.size > 0 ? 'failed' : dirty.size > 0 ? 'saving' : 'saved'),
    error: (field) => failures.get(field),
    failure: () => failures.values().next().value,
  }
}

function only<F extends object, K extends keyof F>(field: K, value: F[K] | undefined): Partial<F> {
  const part: Partial<F> = {}
  part[field] = value
  return part
}
