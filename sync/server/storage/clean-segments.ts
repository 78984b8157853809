import type { IndexedEntry } from './entry-index.ts'
import type { FrameLog } from './frame-log.ts'
import { FrameBuilder, type NewEntry } from './records.ts'
import type { ShapeLog } from '../shape/shape-log.ts'

/** How the log is told again what an old segment said of a shape. */
export interface CleaningDeps {
  log: FrameLog
  shapes: () => Iterable<ShapeLog>
  /** The records of a shape's making. */
  describe: (frame: FrameBuilder, shape: ShapeLog) => void
  /** Where the log stands, so that copied entries count as committed. */
  closing: (frame: FrameBuilder) => void
}

/** Copies are written in frames of about this many bytes. */
const COPY_BYTES = 1024 * 1024

/**
 * Deletes the oldest segment after copying what is still needed from it to the end of the log. Always the oldest: so a
 * record that ends a shape outlives all that it ends. Settles when the segment is gone.
 */
export async function cleanOldestSegment(deps: CleaningDeps): Promise<void> {
  const { log } = deps
  const [oldest, ...others] = log.segmentNumbers
  if (oldest === undefined || others.length === 0) return
  for (const shape of Array.from(deps.shapes())) if (shape.state === 'ready') await copyShape(deps, shape, oldest)
  await log.settled()
  if ([...deps.shapes()].some((shape) => isIn(shape, oldest))) return
  log.drop(oldest)
}

/** Bytes of the log that shapes still need. */
export function liveBytes(shapes: Iterable<ShapeLog>): number {
  let bytes = 0
  for (const shape of shapes) bytes += shape.size
  return bytes
}

function isIn(shape: ShapeLog, segment: number): boolean {
  if (shape.state === 'gone') return false
  if (shape.madeIn === segment || shape.chunks.some((chunk) => chunk.segment === segment)) return true
  const { index } = shape.entries
  for (let at = 0; at < index.length; at += 1) if (index.segmentAt(at) === segment) return true
  return false
}

async function copyShape(deps: CleaningDeps, shape: ShapeLog, segment: number): Promise<void> {
  if (shape.madeIn === segment) {
    const frame = new FrameBuilder()
    deps.describe(frame, shape)
    deps.closing(frame)
    shape.madeIn = deps.log.append(frame.parts).segment
  }
  await copyChunks(deps, shape, segment)
  await copyEntries(deps, shape, segment)
}

async function copyChunks({ log }: CleaningDeps, shape: ShapeLog, segment: number): Promise<void> {
  // A trimmed log has another list.
  const { chunks } = shape
  for (const [number, chunk] of chunks.entries()) {
    if (chunk.segment !== segment) continue
    const [body] = await log.read([chunk])
    if (!body || shape.state === 'gone') return
    const frame = new FrameBuilder()
    const at = frame.chunk(shape.number, number, body)
    const base = log.append(frame.parts)
    await log.settled()
    chunks[number] = { segment: base.segment, at: base.at + at, length: body.length }
  }
}

async function copyEntries({ log, closing }: CleaningDeps, shape: ShapeLog, segment: number): Promise<void> {
  for (const batch of batchesIn(shape, segment)) {
    const bodies = await log.read(batch.map(({ place }) => place))
    if (shape.state === 'gone') return
    const frame = new FrameBuilder()
    const moved = writeEntries(frame, shape, batch, bodies)
    closing(frame)
    const base = log.append(frame.parts)
    await log.settled()
    // The index has gone on meanwhile, at both of its ends.
    for (const { entry, at } of moved) shape.entries.index.move(entry, { segment: base.segment, at: base.at + at })
  }
}

/** Published entries of a segment, in batches of about a megabyte. Others are left for the next time. */
function batchesIn(shape: ShapeLog, segment: number): IndexedEntry[][] {
  const batches: IndexedEntry[][] = []
  let size = COPY_BYTES
  const { index, length } = shape.entries
  for (let at = 0; at < length; at += 1) {
    if (index.segmentAt(at) !== segment) continue
    if (size >= COPY_BYTES) {
      batches.push([])
      size = 0
    }
    batches.at(-1)?.push(index.at(at))
    size += index.lengthAt(at)
  }
  return batches
}

function writeEntries(
  frame: FrameBuilder,
  shape: ShapeLog,
  batch: readonly IndexedEntry[],
  bodies: readonly Buffer[],
): { entry: IndexedEntry; at: number }[] {
  const byLsn = new Map<bigint, { entry: IndexedEntry; written: NewEntry }[]>()
  for (const [order, entry] of batch.entries()) {
    const { lsn, position, operation } = entry
    const same = byLsn.get(lsn) ?? []
    byLsn.set(lsn, same)
    same.push({ entry, written: { position, operation, json: bodies[order] ?? Buffer.alloc(0) } })
  }
  return [...byLsn].flatMap(([lsn, entries]) => {
    const places = frame.entries(
      shape.number,
      lsn,
      entries.map(({ written }) => written),
    )
    return entries.map(({ entry }, order) => ({ entry, at: places[order] ?? 0 }))
  })
}
