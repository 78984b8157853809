import { randomInt } from 'node:crypto'
import { defineSubset, type SubsetRequest } from '../shape/define-subset.ts'
import { InvalidShape, isWrongStatement } from '../shape/invalid-shape.ts'
import { schemaHeader } from '../shape/schema-header.ts'
import type { ShapeLog } from '../shape/shape-log.ts'
import type { ShapeStore } from '../shape/shape-store.ts'
import { formatOffset, type Offset } from '../shape/offset.ts'
import type { Visibility } from '../shape/snapshot-visibility.ts'
import type { ShapeResponse } from './response.ts'

/**
 * A part of a shape's rows as they are now, and which transactions they hold. Every change up to the offset of the
 * answer is among them, so that a reader who goes on from there, and leaves out the changes of these rows that they
 * hold already, misses nothing.
 */
export async function readSubset(
  store: ShapeStore,
  shape: ShapeLog,
  from: Offset,
  subset: SubsetRequest,
): Promise<ShapeResponse> {
  const selection = defineSubset(shape.definition.format.table, subset)
  // Whoever has a place keeps it: what follows there may be in no subset. (Electric moves them to the end.)
  const offset = from.at === 'log' || from.at === 'snapshot' ? from : shape.end()
  const mark = randomInt(2 ** 31)
  const { rows, visibility } = await store.subset(shape, offset, selection, { snapshot_mark: mark }).catch(refused)
  return {
    status: 200,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-cache',
      'electric-snapshot': 'true',
      'electric-handle': shape.handle,
      'electric-offset': formatOffset(offset),
      'electric-schema': schemaHeader(shape.definition.format.columns),
    },
    body: `{"metadata":${JSON.stringify(metadataOf(visibility, mark))},"data":[${rows.join(',')}]}`,
  }
}

function metadataOf({ xmin, xmax, running, lsn }: Visibility, mark: number) {
  return {
    xmin: String(xmin),
    xmax: String(xmax),
    xip_list: [...running].map(String),
    snapshot_mark: mark,
    database_lsn: String(lsn),
  }
}

function refused(error: unknown): never {
  if (isWrongStatement(error)) throw new InvalidShape('subset', { where: [error.message] })
  throw error
}
