import type { Static, TObject } from 'typebox'

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

/**
 * One function for both sides: data in, data out. The replica applies the writes to its overlay; the server applies
 * them with ledger, effects and audit in one statement. It throws `userError(…)` to refuse.
 */
export interface Mutator<A extends TObject = TObject> {
  readonly name: string
  readonly version: number
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
  permission: string
  args: A
  locks?: boolean
  reads: (args: Static<A>, ctx: MutationContext) => RowKey[]
  run: (args: Static<A>, rows: Reader, ctx: MutationContext) => Write[]
}): Mutator<A> {
  return { version: 1, locks: false, ...definition }
}

export type MutatorArgs<M> = M extends Mutator<infer A> ? Static<A> : never

/** Canonical spelling of a row's key, for maps. */
export function rowKeyText(table: string, key: Record<string, string>): string {
  return `${table}/${Object.keys(key)
    .sort()
    .map((name) => `${name}=${key[name]}`)
    .join('&')}`
}
