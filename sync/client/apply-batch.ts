import type { PGliteInterface, Transaction } from '@electric-sql/pglite'
import { foldChanges, type Change, type Folded } from '../core/fold-changes.ts'
import { saidMeanwhile, type PartPage } from '../core/part.ts'
import type { Batch } from '../core/staging.ts'
import { isPartial, SHAPES, type ShapeDefinition, type ShapeName } from '../protocol/shapes.ts'
import { isDamage } from './damage.ts'
import { addChat, dropUnheld, forgetOutlived, replaceHeld, withoutOld } from './held-messages.ts'
import { replicaColumns } from './replica-schema.ts'
import { deleteRows, keepRows, updateRows, upsertRows } from './replica-sql.ts'

export interface SavedCursor {
  handle: string
  offset: string
  lsn: string | null
}

/**
 * One batch of a shape in one transaction, with its cursor. A row that the database refuses is put aside in
 * `sync_errors`, with everything the server said of it, and the rest goes on.
 *
 * Answers false when the log spoke of rows that are not here: then this shape must be loaded anew, and no position is
 * kept, so that a crash before that does not make the hole a lasting one.
 */
export async function applyBatch(
  pg: PGliteInterface,
  shape: ShapeName,
  batch: Batch,
  cursor: SavedCursor,
  /** Shapes whose rows stay, while how far they reach is not known any more. */
  doubtful: readonly ShapeName[] = [],
): Promise<boolean> {
  const within = (write: Write) =>
    pg.transaction(async (tx) => {
      const whole = isPartial(shape) ? await writePart(tx, shape, batch, cursor, write) : await write(tx, shape, batch)
      await saveCursor(tx, shape, whole || batch.refetch ? cursor : undefined)
      if (doubtful.length > 0) await tx.query('update sync_cursor set lsn = null where shape = any($1)', [doubtful])
      return whole
    })
  try {
    return await within(writeBulk)
  } catch (error) {
    if (isDamage(error)) throw error
    // which row it was shows only one by one
    return within(writeSingly)
  }
}

/** Rows of a chat that were read apart, with what the log said of them meanwhile. Rows that are refused are put aside. */
export async function applyChat(
  pg: PGliteInterface,
  chat_id: string,
  pages: readonly PartPage[],
  meanwhile: readonly Change[],
  lsn: string | null,
): Promise<void> {
  const changes = [...pages.flatMap((page) => page.rows), ...saidMeanwhile(chat_id, pages, meanwhile)]
  const within = (write: Write) =>
    pg.transaction(async (tx) => {
      await write(tx, 'messages', { changes, refetch: false })
      await addChat(tx, chat_id, pages, lsn)
    })
  try {
    await within(writeBulk)
  } catch (error) {
    if (isDamage(error)) throw error
    await within(writeSingly)
  }
}

type Writable = Pick<Batch, 'changes' | 'refetch'>
type Write = (tx: Transaction, shape: ShapeName, batch: Writable) => Promise<boolean>

/** The log of such a shape tells of rows that are not held: a change that finds none is no sign of a hole. */
async function writePart(
  tx: Transaction,
  shape: ShapeName,
  { changes, refetch, parts }: Batch,
  { lsn }: SavedCursor,
  write: Write,
): Promise<true> {
  await write(tx, shape, { changes: refetch ? changes : await withoutOld(tx, changes), refetch })
  if (parts) await replaceHeld(tx, parts.held, parts.pages)
  else await forgetOutlived(tx, lsn)
  await dropUnheld(tx, changes)
  return true
}

async function writeBulk(tx: Transaction, shape: ShapeName, batch: Writable): Promise<boolean> {
  const { key } = partsOf(shape)
  return writeFolded(
    tx,
    shape,
    [
      ...foldChanges(
        batch.changes,
        key.map(({ name }) => name),
      ).values(),
    ],
    batch.refetch,
  )
}

async function writeFolded(
  tx: Transaction,
  shape: ShapeName,
  folded: readonly Folded[],
  refetch: boolean,
): Promise<boolean> {
  const { table, columns, key } = partsOf(shape)
  const rows = (kind: Folded['kind']) => folded.filter((item) => item.kind === kind).map((item) => item.row)
  const puts = rows('put')
  if (refetch) {
    const { sql, values } = keepRows(table, key, puts)
    await tx.query(sql, values)
  }
  for (const { sql, values } of deleteRows(table, key, rows('drop'))) await tx.query(sql, values)
  for (const { sql, values } of upsertRows(table, columns, key, puts)) await tx.query(sql, values)
  let whole = true
  for (const { sql, values, count } of updateRows(table, columns, key, rows('patch'))) {
    const { affectedRows } = await tx.query(sql, values)
    if (affectedRows !== count) whole = false
  }
  return whole
}

async function writeSingly(tx: Transaction, shape: ShapeName, batch: Writable): Promise<boolean> {
  const { table, key } = partsOf(shape)
  const folded = [
    ...foldChanges(
      batch.changes,
      key.map(({ name }) => name),
    ).values(),
  ]
  let whole = true
  if (batch.refetch) await tx.query(`delete from ${table}`)
  for (const item of folded) {
    await tx.exec('savepoint one_row')
    try {
      if (!(await writeFolded(tx, shape, [item], false))) whole = false
    } catch (error) {
      if (isDamage(error)) throw error
      await tx.exec('rollback to savepoint one_row')
      await tx.query('insert into sync_errors (shape, op, row_json, error) values ($1, $2, $3, $4)', [
        shape,
        item.kind,
        JSON.stringify(item.row),
        error instanceof Error ? error.message : String(error),
      ])
    }
    await tx.exec('release savepoint one_row')
  }
  return whole
}

function partsOf(shape: ShapeName) {
  const definition: ShapeDefinition = SHAPES[shape]
  const columns = replicaColumns(definition)
  return {
    table: `${definition.table}_synced`,
    columns,
    key: definition.key.flatMap((name) => columns.filter((column) => column.name === name)),
  }
}

/** `undefined` forgets the shape's position. */
export async function saveCursor(tx: Transaction, shape: ShapeName, cursor: SavedCursor | undefined): Promise<void> {
  if (!cursor) {
    await tx.query('delete from sync_cursor where shape = $1', [shape])
    return
  }
  await tx.query(
    `insert into sync_cursor (shape, handle, log_offset, lsn) values ($1, $2, $3, $4)
     on conflict (shape) do update set handle = excluded.handle, log_offset = excluded.log_offset, lsn = excluded.lsn`,
    [shape, cursor.handle, cursor.offset, cursor.lsn],
  )
}

export async function readCursors(
  pg: PGliteInterface,
): Promise<{ shape: string; handle: string; log_offset: string; lsn: string | null }[]> {
  const { rows } = await pg.query<{ shape: string; handle: string; log_offset: string; lsn: string | null }>(
    'select shape, handle, log_offset, lsn from sync_cursor',
  )
  return rows
}
