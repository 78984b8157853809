import type { SubsetAnswer } from '../protocol/subset.ts'
import type { Change } from './fold-changes.ts'
import { isVisible, type SnapshotSight } from './snapshot-visibility.ts'

/** Rows of a shape that were read apart from its log, and what their snapshot of the database sees. */
export interface PartSnapshot {
  sight: SnapshotSight
  /** Commit LSN, decimal text: the snapshot sees nothing that committed later. */
  lsn: string
  /** Ids of the rows. */
  ids: ReadonlySet<string>
}

/** A page of rows with its snapshot. */
export interface PartPage extends PartSnapshot {
  rows: Change[]
}

export function partPage({ metadata, data }: SubsetAnswer): PartPage {
  return {
    sight: {
      xmin: BigInt(metadata.xmin),
      xmax: BigInt(metadata.xmax),
      running: new Set(metadata.xip_list.map(BigInt)),
    },
    lsn: metadata.database_lsn,
    rows: data.map(({ value }) => ({ op: 'insert', row: value })),
    ids: new Set(data.map(({ value }) => value['id'] ?? '')),
  }
}

/** Changes without those that rows read apart show already: what is older than its row must not undo it. */
export function newsBeside(changes: readonly Change[], snapshots: readonly PartSnapshot[]): Change[] {
  if (snapshots.length === 0) return [...changes]
  return changes.filter(
    ({ row, txids }) =>
      txids === undefined ||
      !snapshots.some(({ ids, sight }) => ids.has(row['id'] ?? '') && txids.every((xid) => isVisible(sight, xid))),
  )
}

/** Whether the log has passed everything that a snapshot could see: from here on all its changes are news. */
export function isOutlived(snapshot: Pick<PartSnapshot, 'lsn'>, lsn: string | null): boolean {
  return lsn !== null && BigInt(lsn) > BigInt(snapshot.lsn)
}

/**
 * What the log said of a chat while its rows were being read: of the rows that came, and of those that it made
 * meanwhile. The rest of the log has been applied, or is of rows that are not held.
 */
export function saidMeanwhile(chat_id: string, pages: readonly PartPage[], log: readonly Change[]): Change[] {
  const ids = new Set(pages.flatMap((page) => [...page.ids]))
  for (const { op, row } of log) if (op === 'insert' && row['chat_id'] === chat_id) ids.add(row['id'] ?? '')
  return newsBeside(
    log.filter(({ row }) => ids.has(row['id'] ?? '')),
    pages,
  )
}
