import type pg from 'pg'
import { InvalidShape } from './define-shape.ts'
import { NO_ROWS, selectRows, type RowSelection } from './select-rows.ts'
import type { ShapeDefinition } from './shape-log.ts'
import { snapshotEnd, type Visibility } from './snapshot-visibility.ts'

/** A finished snapshot: the bodies of its chunks, without the brackets. */
export interface Snapshot {
  chunks: Buffer[]
  rows: number
  visibility: Visibility
}

/** Reads the rows that a shape begins with. */
export async function readSnapshot(db: pg.Pool, definition: ShapeDefinition, chunkSize: number): Promise<Snapshot> {
  const { format, source } = definition
  const chunks: Buffer[] = []
  let visibility: Visibility | undefined
  let rows = 0
  let open: string[] = []
  let openSize = 0
  const close = (): void => {
    chunks.push(Buffer.from(open.join(',')))
    open = []
    openSize = 0
  }
  await selectRows(db, definition, source.log === 'changes_only' ? NO_ROWS : {}, {
    begin: (seen) => (visibility = seen),
    row: (names, values) => {
      const message = format.snapshotRow(names, values)
      rows += 1
      open.push(message)
      openSize += message.length
      if (openSize >= chunkSize) close()
      return undefined
    },
  })
  if (!visibility) throw new Error('a snapshot of nothing')
  open.push(snapshotEnd(visibility))
  close()
  return { chunks, rows, visibility }
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
