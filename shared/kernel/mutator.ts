import type { Static, TObject } from 'typebox'
import { userError } from './errors.ts'

/** A row by its table and key columns, e.g. `{ table: 'chats', key: { id } }`. */
export interface RowKey {
  table: string
  key: Record<string, string>
}

export type Row = Record<string, unknown>

/** What a mutator asks for. `upsert` replaces the listed columns when the key exists. */
export type Write =
  | { op: 'insert'; table: string; row: Row }
  | { op: 'upsert'; table: string; row: Row }
  | { op: 'update'; table: string; key: Record<string, string>; set: Row }
  | { op: 'delete'; table: string; key: Record<string, string> }

/** Who acts, and when. Identity comes from here, never from arguments. */
export interface MutationContext {
  user_id: string
  /** ISO time. On the server: `least(client's time, now)`. */
  now: string
  /** Hybrid logical clock of the mutation; decides last-writer-wins fields. */
  hlc: string
  mutation_id: string
}

/** Rows named by `reads`, as the actor may see them. A row of somebody else is simply not there. */
export interface Reader {
  get(table: string, key: Record<string, string>): Row | undefined
}

/** Arguments as they lie in an outbox: of their version's shape, but nobody has checked that. */
export type Upcast = (args: Record<string, unknown>) => Record<string, unknown>

/**
 * One function for both sides: data in, data out. The replica applies the writes to its overlay; the server applies
 * them with ledger, effects and audit in one statement. It throws `userError(…)` to refuse.
 */
export interface Mutator<A extends TObject = TObject> {
  readonly name: string
  /** Of the arguments. One that older clients do not send, or send otherwise, raises it, and adds to `upcasts`. */
  readonly version: number
  /** How arguments of version n become those of version n + 1, by n. Pure; kept for as long as outboxes may hold n. */
  readonly upcasts: Readonly<Record<number, Upcast>>
  /** Permission of `shared/identity/permissions.ts` that the actor must hold. */
  readonly permission: string
  readonly args: A
  /** Read, compute, write: the server locks the rows it read when this is set. */
  readonly locks: boolean
  readonly reads: (args: Static<A>, ctx: MutationContext) => RowKey[]
  readonly run: (args: Static<A>, rows: Reader, ctx: MutationContext) => Write[]
}

export function mutator<const A extends TObject>(definition: {
  name: string
  version?: number
  upcasts?: Readonly<Record<number, Upcast>>
  permission: string
  args: A
  locks?: boolean
  reads: (args: Static<A>, ctx: MutationContext) => RowKey[]
  run: (args: Static<A>, rows: Reader, ctx: MutationContext) => Write[]
}): Mutator<A> {
  return { version: 1, upcasts: {}, locks: false, ...definition }
}

/**
 * Arguments that were queued as `version` in today's form, which nobody has checked yet. Throws for those of a newer
 * version, and for those that are not what their version promised.
 */
export function currentArgs(
  { name, version: current, upcasts }: Pick<Mutator, 'name' | 'version' | 'upcasts'>,
  { version, args }: { version: number; args: Record<string, unknown> },
): Record<string, unknown> {
  if (version > current) throw userError('sync/unknown-mutation', { name })
  let now = args
  for (let at = version; at < current; at++) {
    const upcast = upcasts[at]
    if (!upcast) throw userError('sync/unknown-mutation', { name })
    try {
      now = upcast(now)
    } catch {
      throw userError('row/invalid', { reason: `not arguments of version ${at}` })
    }
  }
  return now
}

export type MutatorArgs<M> = M extends Mutator<infer A> ? Static<A> : never

/** Canonical spelling of a row's key, for maps. */
export function rowKeyText(table: string, key: Record<string, string>): string {
  return `${table}/${Object.keys(key)
    .sort()
    .map((name) => `${name}=${key[name]}`)
    .join('&')}`
}
