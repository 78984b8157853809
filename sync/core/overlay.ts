import {
  currentArgs,
  rowKeyText,
  type MutationContext,
  type Mutator,
  type Reader,
  type Row,
  type RowKey,
  type Write,
} from '../../shared/kernel/mutator.ts'
import { effectOf, keyOfWrite, widened } from './effect.ts'
import type { Effect, Pending } from './pending.ts'

/** Synced rows by `rowKeyText`: the row, or null when there is none. A key that is missing has not been read yet. */
export type Base = ReadonlyMap<string, Row | null>

export interface OverlayRow extends RowKey {
  /** The whole row as the person should see it; null: deleted here. */
  row: Row | null
  /** ISO time of the first waiting mutation that touches it. */
  since: string
}

export interface Replay {
  rows: ReadonlyMap<string, OverlayRow>
  /** Effects of mutations that had none yet, or another one. */
  effects: ReadonlyMap<string, Effect>
  /** Rows that must be read before the replay is right. */
  missing: RowKey[]
  /** Rows as they stand after the replay. */
  reader: Reader
}

export interface ReplayDeps {
  mutators: Readonly<Record<string, Mutator>>
  user_id: string
}

export function contextOf(item: Pick<Pending, 'id' | 'created_at' | 'hlc'>, user_id: string): MutationContext {
  return { user_id, now: item.created_at, hlc: item.hlc, mutation_id: item.id }
}

/**
 * The overlay: every waiting mutation replayed in outbox order over synced rows. Where a replay refuses (its own
 * rows may have arrived already), the mutation keeps the effect it had: what the person sees changes when the server
 * has decided and every shape shows it, not before.
 *
 * Call again with more of `base` until `missing` is empty. `also` names rows that the caller wants to read.
 */
export function replay(outbox: readonly Pending[], base: Base, deps: ReplayDeps, also: readonly RowKey[] = []): Replay {
  const state = new OverlayState(base)
  const effects = new Map<string, Effect>()
  for (const item of [...outbox].sort((a, b) => a.seq - b.seq)) {
    const ran = run(item, state, deps)
    const effect = ran && widened(item.effect, effectOf(ran.reads, ran.writes))
    if (effect) effects.set(item.id, effect)
    for (const write of ran?.writes ?? item.effect?.writes ?? []) state.write(write, item.created_at)
  }
  for (const key of also) state.need(key)
  return { rows: state.rows, effects, missing: state.missing, reader: state }
}

/** Runs one mutation over the state; undefined when it refuses, is unknown here, or lacks rows that it reads. */
function run(item: Pending, state: OverlayState, deps: ReplayDeps): { reads: RowKey[]; writes: Write[] } | undefined {
  const mutator = Object.hasOwn(deps.mutators, item.name) ? deps.mutators[item.name] : undefined
  if (!mutator) return undefined
  const ctx = contextOf(item, deps.user_id)
  return attempt(() => {
    const args = currentArgs(mutator, item)
    const reads = mutator.reads(args, ctx)
    const before = state.missing.length
    for (const key of reads) state.need(key)
    return state.missing.length > before ? undefined : { reads, writes: mutator.run(args, state, ctx) }
  })
}

/** Rows under construction: what the overlay says, else the base. */
class OverlayState implements Reader {
  readonly rows = new Map<string, OverlayRow>()
  readonly missing: RowKey[] = []
  readonly #base: Base
  readonly #asked = new Set<string>()

  constructor(base: Base) {
    this.#base = base
  }

  get(table: string, key: Record<string, string>): Row | undefined {
    const id = rowKeyText(table, key)
    const overlaid = this.rows.get(id)
    return (overlaid ? overlaid.row : this.#base.get(id)) ?? undefined
  }

  need({ table, key }: RowKey): void {
    const id = rowKeyText(table, key)
    if (this.#base.has(id) || this.#asked.has(id)) return
    this.#asked.add(id)
    this.missing.push({ table, key })
  }

  write(write: Write, since: string): void {
    const target = keyOfWrite(write)
    this.need(target)
    const now = this.get(target.table, target.key)
    switch (write.op) {
      case 'insert':
        // a row that is there already is the server's, and newer
        if (!now) this.#put(target, write.row, since)
        return
      case 'upsert':
        return this.#put(target, { ...now, ...write.row }, since)
      case 'update':
        if (now) this.#put(target, { ...now, ...write.set }, since)
        return
      case 'delete':
        if (now) this.#put(target, null, since)
    }
  }

  #put(target: RowKey, row: Row | null, since: string): void {
    const id = rowKeyText(target.table, target.key)
    this.rows.set(id, { ...target, row, since: this.rows.get(id)?.since ?? since })
  }
}

/** A refusal is an answer here, of whatever kind: the server will judge the mutation itself. */
function attempt<T>(task: () => T): T | undefined {
  try {
    return task()
  } catch {
    return undefined
  }
}
