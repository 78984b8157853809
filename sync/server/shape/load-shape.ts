import type pg from 'pg'
import type { FrameLog } from '../storage/frame-log.ts'
import type { FilterInPostgres } from './filter-in-postgres.ts'
import { readSnapshot } from './read-snapshot.ts'
import type { RecentTransactions } from './recent-transactions.ts'
import type { ShapeLog } from './shape-log.ts'
import { createdRecord } from './shape-records.ts'
import type { ShapeWriter } from './shape-writer.ts'
import { untilSeen } from './until-seen.ts'

export interface LoadDeps {
  db: pg.Pool
  disk: FrameLog
  writer: ShapeWriter
  filters: FilterInPostgres
  recent: RecentTransactions
  chunkSize: number
}

/** The shape ended while its snapshot was on its way. */
class ShapeGone extends Error {}

/** Writes the snapshot of a new shape, and what comes meanwhile. Rejects when it cannot be read. */
export async function loadShape(shape: ShapeLog, deps: LoadDeps): Promise<void> {
  const { db, disk, writer, filters, recent, chunkSize } = deps
  // A transaction of which this shape is handed the end only has to be in the snapshot, and is known when it ends.
  await writer.untilClosed()
  try {
    const rows = await untilSeen(() =>
      readSnapshot(db, shape.definition, chunkSize, {
        begin: (visibility) => {
          needLoading(shape)
          if (recent.hasUnseen(visibility, shape.registeredAt)) return false
          shape.beginSnapshot(visibility)
          return true
        },
        chunk: (body) => {
          needLoading(shape)
          writer.storeChunk(shape, body, createdRecord(shape))
        },
        settled: () => disk.settled(),
      }),
    )
    await writer.untilClosed()
    needLoading(shape)
    writer.finish(shape, rows, filters.lsnOf(shape) ?? writer.registerAt)
  } catch (error) {
    if (!(error instanceof ShapeGone)) throw error
  }
}

function needLoading(shape: ShapeLog): void {
  if (shape.state !== 'loading') throw new ShapeGone()
}
