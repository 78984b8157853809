import type pg from 'pg'
import { InvalidShape } from './invalid-shape.ts'
import { NO_ROWS, selectRows, type RowSelection } from './select-rows.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { snapshotEnd, type Visibility } from './snapshot-visibility.ts'

export interface SnapshotSink {
  /** Before the first row: whether a snapshot that sees this is of use. */
  begin: (visibility: Visibility) => boolean
  chunk: (body: Buffer) => void
  /** Settles when all chunks are safe; until then no more rows are read. */
  settled: () => Promise<void>
}

/** The snapshot sees too little. */
class OfNoUse extends Error {}

/**
 * Reads the rows that a shape begins with, chunk by chunk: of a table of any size no more than a chunk is in memory.
 * Gives their number; undefined when the sink has no use for the snapshot.
 */
export async function readSnapshot(
  db: pg.Pool,
  definition: ShapeDefinition,
  chunkSize: number,
  sink: SnapshotSink,
): Promise<number | undefined> {
  const { format, source } = definition
  let visibility: Visibility | undefined
  let rows = 0
  let open: string[] = []
  let openSize = 0
  const close = (): void => {
    sink.chunk(Buffer.from(open.join(',')))
    open = []
    openSize = 0
  }
  try {
    await selectRows(db, definition, source.log === 'changes_only' ? NO_ROWS : {}, {
      begin: (seen) => {
        if (!sink.begin(seen)) throw new OfNoUse()
        visibility = seen
      },
      row: (names, values) => {
        const message = format.snapshotRow(names, values)
        rows += 1
        open.push(message)
        openSize += message.length
        if (openSize < chunkSize) return undefined
        close()
        return sink.settled()
      },
    })
  } catch (error) {
    if (error instanceof OfNoUse) return undefined
    throw error
  }
  if (!visibility) throw new Error('a snapshot of nothing')
  open.push(snapshotEnd(visibility))
  close()
  return rows
}

/** Memory that one subset may take: a reader of more asks for it in parts. */
const SUBSET_BYTES = 64 * 1024 * 1024

/** Reads a part of a shape's rows as messages. */
export async function readSubsetRows(
  db: pg.Pool,
  definition: ShapeDefinition,
  selection: RowSelection,
  headers: Record<string, unknown>,
): Promise<{ rows: string[]; visibility: Visibility }> {
  let visibility: Visibility | undefined
  const rows: string[] = []
  let size = 0
  await selectRows(db, definition, selection, {
    begin: (seen) => (visibility = seen),
    row: (names, values) => {
      const message = definition.format.snapshotRow(names, values, headers)
      size += message.length
      if (size > SUBSET_BYTES)
        throw new InvalidShape('subset', { limit: ['the subset is too big: ask for fewer rows'] })
      rows.push(message)
      return undefined
    },
  })
  if (!visibility) throw new Error('a subset of nothing')
  return { rows, visibility }
}
