import { tick } from '../../shared/kernel/hlc.ts'
import type { Row } from '../../shared/kernel/mutator.ts'
import { keyColumns } from '../core/effect.ts'
import { foldChanges } from '../core/fold-changes.ts'
import { heldBack } from '../core/hold.ts'
import { replay } from '../core/overlay.ts'
import type { Pending } from '../core/pending.ts'
import { nextBatch, outcomeOf } from '../core/push-batch.ts'
import { afterFailure } from '../core/retry.ts'
import { coveredBy, settled, type ShapeCursor } from '../core/settlement.ts'
import type { Batch } from '../core/staging.ts'
import { SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { fold, keyOfCells, withShape, type Cells, type Store } from './sim-store.ts'

/** A batch with what only the simulator knows of it: commits of the server that its shape holds then. */
export interface SimBatch extends Batch {
  commits: number | undefined
}

/**
 * What a device must do right. The pure rules are the product's own; the rest says in small what the engine does. The
 * simulator runs with all of them right, and with each known fault in turn (`faults.ts`).
 */
export interface Practices {
  /** Mutations that may leave the outbox. */
  settle(outbox: readonly Pending[], cursors: readonly ShapeCursor[]): Pending[]
  covered: typeof coveredBy
  tick: typeof tick
  batch: typeof nextBatch
  held: typeof heldBack
  /** The place of a mutation that its person has agreed to send after all. */
  movedTo(seq: number, last: () => number): number
  outcome: typeof outcomeOf
  failure: typeof afterFailure
  replay: typeof replay
  /** The states that a replica's files go through while a batch is written: one, so that there is nothing between. */
  write(store: Store, name: ShapeName, batch: SimBatch): Store[]
  /** Whether a batch that could not be written is written again before anything else is done with its shape. */
  awaitsWrite: boolean
  /** Whether changes wait for the up-to-date that ends their transactions. */
  awaitsEnd: boolean
  /** Whether LSNs of before the database was moved are told from those after. */
  forgetsDoubtful: boolean
  /** Whether what rests on a refused mutation vanishes instead of lying among the dead letters. */
  dropsDependants: boolean
  /** The replica when a shape must be loaded anew and nothing of it is here yet. */
  replicaAtRefetch(store: Store, name: ShapeName): Store
  /** The outbox then. */
  outboxAtRefetch(outbox: Pending[]): Pending[]
  /** What is on disk when mutations leave the outbox. */
  flushed(now: Store, disk: Store): Store
  /** Whether answers settle nothing while the replica is being opened. */
  waitsForReplica: boolean
  /** The outbox that the next process finds when this one was killed. */
  outboxAfterKill(outbox: Pending[]): Pending[]
  /** Whether an engine that another one has taken the lead from does nothing any more. */
  stopsWithoutLead: boolean
  /** What is sent again after an answer that did not come. */
  resent(item: Pending, fresh: () => { id: string; seq: number }): Pending
  /** Arguments of a mutation, with the row it changes. */
  args(name: string, args: Record<string, unknown>, row: () => Row | undefined): Record<string, unknown>
}

/** How the product does it. */
export const RIGHT: Practices = {
  settle: (outbox, cursors) => settled(outbox, cursors, SHAPES.acks.table),
  covered: coveredBy,
  tick,
  batch: nextBatch,
  held: heldBack,
  movedTo: (_, last) => last(),
  outcome: outcomeOf,
  failure: afterFailure,
  replay,
  write: (store, name, batch) => [written(store, name, batch)],
  awaitsWrite: true,
  awaitsEnd: true,
  forgetsDoubtful: true,
  dropsDependants: false,
  replicaAtRefetch: (store) => store,
  outboxAtRefetch: (outbox) => outbox,
  flushed: (now) => now,
  waitsForReplica: true,
  outboxAfterKill: (outbox) => outbox,
  stopsWithoutLead: true,
  resent: (item) => item,
  args: (_, args) => args,
}

/**
 * The replica after a batch: what `client/apply-batch.ts` does in SQL. Rows and position together; a log that speaks of
 * rows that are not here is not believed.
 */
export function written(store: Store, name: ShapeName, batch: SimBatch, put: typeof fold = fold): Store {
  const before = store.shapes.get(name)
  const rows = new Map<string, Cells>(before?.rows)
  const folded = foldChanges(batch.changes, keyColumns(SHAPES[name].table))
  const keys = new Set([...folded.values()].map(({ row }) => keyOfCells(name, row)))
  if (batch.refetch) for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key)
  let whole = true
  for (const change of folded.values()) if (!put(rows, keyOfCells(name, change.row), change)) whole = false
  return withShape(store, name, {
    rows,
    position: whole || batch.refetch ? batch.position : undefined,
    lsn: batch.lsn,
    commits: batch.commits ?? -1,
  })
}
