import type pg from 'pg'
import type { StoredShape } from '../storage/recover.ts'
import type { Catalog } from './catalog.ts'
import { defineShape } from './define-shape.ts'
import { InvalidShape } from './invalid-shape.ts'
import { ShapeLog } from './shape-log.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { isShapeSource } from './shape-source.ts'
import { layoutHash } from './table.ts'

export interface ReviveDeps {
  catalog: Catalog
  db: pg.Pool
  /** LSN of the last transaction that is in all shapes of the log. */
  lsn: bigint
  chunkSize: number
}

/**
 * Takes up a shape that the log on the disk has; undefined when it can never be made again. Rejects when the database
 * is away: it will be asked another time.
 */
export async function reviveShape(stored: StoredShape, deps: ReviveDeps): Promise<ShapeLog | undefined> {
  const { number, created, madeIn, loaded, trimmed, chunks, entries } = stored
  const definition = await definitionOf(created.source, deps)
  if (!definition || layoutHash(definition.format.table) !== created.layout) return undefined
  const shape = new ShapeLog(number, created.handle, definition, deps.lsn, deps.chunkSize)
  shape.madeIn = madeIn
  shape.restore(loaded, trimmed, chunks, entries)
  return shape
}

async function definitionOf(source: unknown, { catalog, db }: ReviveDeps): Promise<ShapeDefinition | undefined> {
  if (!isShapeSource(source)) return undefined
  try {
    return await defineShape(catalog, db, source)
  } catch (error) {
    if (error instanceof InvalidShape) return undefined
    throw error
  }
}
