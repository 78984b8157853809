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

/** Bytes of a segment that some shape still needs. */
export function liveBytes(shapes: Iterable<ShapeLog>): number {
  let bytes = 0
  for (const shape of shapes) bytes += shape.size
  return bytes
}

function isIn(shape: ShapeLog, segment: number): boolean {
  if (shape.state === 'gone' || shape.state === 'loading') return false
  if (shape.madeIn === segment || shape.chunks.some((chunk) => chunk.segment === segment)) return true
  for (let at = 0; at < shape.index.length; at += 1) if (shape.index.segmentAt(at) === segment) return true
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
  for (const [number, chunk] of shape.chunks.entries()) {
    if (chunk.segment !== segment) continue
    const [body] = await log.read([chunk])
    if (!body || shape.state === 'gone') return
    const frame = new FrameBuilder()
    const at = frame.chunk(shape.number, number, body)
    const base = log.append(frame.parts)
    await log.settled()
    shape.chunks[number] = { segment: base.segment, at: base.at + at, length: body.length }
  }
}

async function copyEntries({ log, closing }: CleaningDeps, shape: ShapeLog, segment: number): Promise<void> {
  let batch: number[] = []
  let size = 0
  const copy = async (): Promise<void> => {
    const indexes = batch
    batch = []
    size = 0
    const bodies = await log.read(indexes.map((at) => shape.index.placeAt(at)))
    if (shape.state === 'gone') return
    const frame = new FrameBuilder()
    const moved = writeEntries(frame, shape, indexes, bodies)
    closing(frame)
    const base = log.append(frame.parts)
    await log.settled()
    for (const { index, at } of moved) shape.index.move(index, { segment: base.segment, at: base.at + at })
  }
  // Entries that are not published yet are never in the oldest segment for long: they are left for the next time.
  for (let at = 0; at < shape.length; at += 1) {
    if (shape.index.segmentAt(at) !== segment) continue
    batch.push(at)
    size += shape.index.lengthAt(at)
    if (size >= COPY_BYTES) await copy()
  }
  if (batch.length > 0) await copy()
}

function writeEntries(
  frame: FrameBuilder,
  shape: ShapeLog,
  indexes: readonly number[],
  bodies: readonly Buffer[],
): { index: number; at: number }[] {
  const byLsn = new Map<bigint, { index: number; entry: NewEntry }[]>()
  for (const [order, index] of indexes.entries()) {
    const { lsn, position, operation } = shape.index.at(index)
    const same = byLsn.get(lsn) ?? []
    byLsn.set(lsn, same)
    same.push({ index, entry: { position, operation, json: bodies[order] ?? Buffer.alloc(0) } })
  }
  return [...byLsn].flatMap(([lsn, entries]) => {
    const places = frame.entries(
      shape.number,
      lsn,
      entries.map(({ entry }) => entry),
    )
    return entries.map(({ index }, order) => ({ index, at: places[order] ?? 0 }))
  })
}
