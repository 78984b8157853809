import { clearDirectory } from './clear-directory.ts'
import { EntryIndex } from './entry-index.ts'
import { FrameLog, type FrameLogOptions, type Place } from './frame-log.ts'
import {
  LOG_FORMAT,
  readRecords,
  type CreatedShape,
  type LoadedShape,
  type LogOrigin,
  type ShapeRecord,
  type TrimmedLog,
} from './records.ts'

/** A shape as the log on the disk has it. */
export interface StoredShape {
  number: number
  created: CreatedShape
  /** The segment of its record. */
  madeIn: number
  loaded: LoadedShape
  /** The beginning of the log is gone, and the snapshot with it. */
  trimmed: TrimmedLog | undefined
  chunks: Place[]
  entries: EntryIndex
}

export interface RecoveredLog {
  log: FrameLog
  origin: LogOrigin | undefined
  shapes: StoredShape[]
  /** Everything that commits up to here is in the shapes. */
  lsn: bigint
  /** Where the stream goes on. */
  end: bigint
  /** No shape has this number or a higher one. */
  nextNumber: number
  /** Entries of a transaction that the crash cut off were found, and left out. */
  cutOff: boolean
  /** Why the log that was there could not be used. */
  damage?: string | undefined
}

interface Collected {
  created?: { created: CreatedShape; madeIn: number }
  loaded?: LoadedShape
  trimmed?: TrimmedLog
  chunks: Place[]
  entries: EntryIndex
}

/** Opens a log and rebuilds what it says of shapes. A log of another format is deleted: what it holds can be made again. */
export async function recoverLog(options: FrameLogOptions): Promise<RecoveredLog> {
  try {
    return await collect(options)
  } catch (error) {
    // Every byte can be had from the database again; a damaged or foreign file is not worth a stop.
    if (!(error instanceof Error)) throw error
    await clearDirectory(options.directory)
    return { ...(await collect(options)), damage: error.message }
  }
}

async function collect(options: FrameLogOptions): Promise<RecoveredLog> {
  const shapes = new Map<number, Collected>()
  const dropped = new Set<number>()
  const state: { origin?: LogOrigin; lsn: bigint; end: bigint; nextNumber: number } = {
    lsn: 0n,
    end: 0n,
    nextNumber: 1,
  }
  const visit = (record: ShapeRecord, segment: number, base: number): void => {
    switch (record.type) {
      case 'origin':
        if (record.origin.format !== LOG_FORMAT) throw new Error('the shape log has another format')
        state.origin = record.origin
        return
      case 'committed':
        // Copies of old records close with where the log stood when they were made.
        if (record.lsn < state.lsn) return
        state.lsn = record.lsn
        state.end = record.end
        return
      case 'broken-off':
        for (const { entries } of shapes.values()) {
          entries.sort()
          cut(entries, record.lsn)
        }
        return
      case 'dropped':
        dropped.add(record.shape)
        shapes.delete(record.shape)
        return
      default:
        state.nextNumber = Math.max(state.nextNumber, record.shape + 1)
        if (!dropped.has(record.shape)) take(shapes, record, segment, base)
    }
  }
  const log = await FrameLog.open(options, (payload, segment, at) => {
    for (const record of readRecords(payload)) visit(record, segment, at)
  })
  let cutOff = false
  for (const { entries } of shapes.values()) {
    entries.sort()
    cutOff = cut(entries, state.lsn + 1n) || cutOff
  }
  return {
    log,
    ...state,
    origin: state.origin,
    cutOff,
    shapes: [...shapes].flatMap(([number, one]) => whole(number, one)),
  }
}

function take(
  shapes: Map<number, Collected>,
  record: Extract<ShapeRecord, { type: 'created' | 'chunk' | 'loaded' | 'entries' | 'trimmed' | 'struck' }>,
  segment: number,
  base: number,
): void {
  const one: Collected = shapes.get(record.shape) ?? { chunks: [], entries: new EntryIndex() }
  shapes.set(record.shape, one)
  const placeOf = ({ at, length }: { at: number; length: number }): Place => ({ segment, at: base + at, length })
  if (record.type === 'created') one.created = { created: record.created, madeIn: segment }
  else if (record.type === 'loaded') one.loaded = record.loaded
  else if (record.type === 'trimmed') one.trimmed = record.trimmed
  else if (record.type === 'struck') strike(one.entries, record.lsns)
  else if (record.type === 'chunk') one.chunks[record.chunk] = placeOf(record.body)
  else {
    for (const { position, operation, body } of record.entries)
      one.entries.push({ lsn: record.lsn, position, operation, place: placeOf(body) })
  }
}

function strike(entries: EntryIndex, lsns: readonly bigint[]): void {
  const struck = new Set(lsns)
  entries.retain((lsn) => !struck.has(lsn))
}

/** Forgets entries from `lsn` on; says whether there were any. */
function cut(entries: EntryIndex, lsn: bigint): boolean {
  const at = entries.firstAfter(lsn - 1n, Number.MAX_SAFE_INTEGER)
  if (at === entries.length) return false
  entries.truncate(at)
  return true
}

/** A shape whose snapshot did not come to its end has never been read by anybody. */
function whole(number: number, { created, loaded, trimmed, chunks, entries }: Collected): StoredShape[] {
  if (!created || !loaded) return []
  if (trimmed) {
    entries.removeFirst(entries.firstAfter(BigInt(trimmed.lsn), trimmed.position))
    return [{ number, ...created, loaded, trimmed, chunks: [], entries }]
  }
  for (let chunk = 0; chunk < Math.max(1, chunks.length); chunk += 1) if (!chunks[chunk]) return []
  return [{ number, ...created, loaded, trimmed, chunks, entries }]
}
