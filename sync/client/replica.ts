import type { Pending, Effect } from '../core/pending.ts'
import type { Change } from '../core/fold-changes.ts'
import type { PartPage } from '../core/part.ts'
import type { ShapeCursor } from '../core/settlement.ts'
import type { Batch, Position } from '../core/staging.ts'
import type { NewMutation } from './host-protocol.ts'
import type { ShapeName } from '../protocol/shapes.ts'

/** The engine's view of the person's local Postgres. All methods are serialised inside. */
export interface Replica {
  /** True when every shape has been complete once. */
  readonly complete: boolean
  /** Its rows can be shown: it is complete, or holds what an older replica held until every shape has come. */
  readonly readable: boolean
  /** Its files outlive the session. */
  readonly lasting: boolean
  position(shape: ShapeName): Position | undefined
  cursors(): ReadonlyMap<ShapeName, ShapeCursor>
  /** Applies a batch; answers with the tables whose rows changed. Throws only when the database itself fails. */
  apply(shape: ShapeName, batch: Batch): Promise<string[]>
  /** What a database needs now and then: statistics, sweeping, a short log. */
  tidy(): Promise<void>
  refetching(shape: ShapeName): void
  /** Chats that were read whole, those opened last first. */
  held(limit: number): Promise<string[]>
  /** Chats of which only a part is here, the latest first. */
  torn(limit: number): Promise<string[]>
  /** Whether all messages of a chat are here; it counts as opened. */
  isWhole(chat_id: string): Promise<boolean>
  /** Takes a chat in, read apart from the log at `handle`, with what the log said meanwhile. */
  hold(chat_id: string, handle: string, pages: readonly PartPage[], meanwhile: readonly Change[]): Promise<void>
  /** Moves the window on and lets go of old chats; answers with how many messages went. */
  trim(window: { since: string; kept: readonly string[]; most: number }): Promise<number>
  /** Whether the log spoke of rows that are not here; then the shape's position is forgotten. Answers once. */
  takeDamage(shape: ShapeName): boolean
  /** Forgets a shape that may no longer be read. */
  revoke(shape: ShapeName): Promise<string[]>
  /** `last_seq` of this device's ack row, with the LSN that it is known at. */
  ack(device_id: string): Promise<{ last_seq: number; lsn: string } | undefined>
  /** Prepares a mutation: reads its rows, and answers with the function that runs it at a clock value. */
  prepare(mutation: NewMutation, outbox: readonly Pending[]): Promise<(hlc: string) => Effect>
  /** Makes the overlay again from the outbox; answers with the tables that changed and effects that were not known. */
  rebase(outbox: readonly Pending[]): Promise<{ tables: string[]; effects: Map<string, Effect> }>
  read(sql: string, values: unknown[]): Promise<Record<string, unknown>[]>
  /** In a read-only transaction, for support and export. */
  query(sql: string, values: unknown[]): Promise<Record<string, unknown>[]>
  /** Resolves when all that was applied so far would survive the end of this process. */
  flush(): Promise<void>
  /** Calls once, when the database turns out to be damaged: it can only be built anew. */
  onBroken(listener: () => void): void
  bytes(): Promise<number | undefined>
  /** Rows and bytes of each shape's table. */
  stock(): Promise<{ shape: ShapeName; rows: number; bytes: number }[]>
  close(): Promise<void>
  /** Closes and deletes it. */
  destroy(): Promise<void>
}
