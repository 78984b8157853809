import { OPERATIONS, type Operation } from './entry-index.ts'

/**
 * What a frame of the shape log holds: records, each `type 1 | shape 4 | length 4 | body`, numbers big-endian. `shape`
 * is the number that the log gives to a shape, never used twice.
 */
export type ShapeRecord =
  /** Which database and publication the log follows; first in it. */
  | { type: 'origin'; origin: LogOrigin }
  | { type: 'created'; shape: number; created: CreatedShape }
  | { type: 'chunk'; shape: number; chunk: number; body: Slice }
  | { type: 'loaded'; shape: number; loaded: LoadedShape }
  | { type: 'entries'; shape: number; lsn: bigint; entries: EntryRecord[] }
  /** The log has grown too long: its beginning is gone. */
  | { type: 'trimmed'; shape: number; trimmed: TrimmedLog }
  /** Entries so far of these transactions do not count: the snapshot holds them. */
  | { type: 'struck'; shape: number; lsns: bigint[] }
  | { type: 'dropped'; shape: number }
  /** Everything that commits up to `lsn` is in the log; `end` is where the stream goes on. */
  | { type: 'committed'; lsn: bigint; end: bigint }
  /** A transaction broke off in the middle of the stream: entries from `lsn` on do not count. */
  | { type: 'broken-off'; lsn: bigint }

export interface LogOrigin {
  format: number
  /** `pg_control_system().system_identifier` and the database's oid. */
  system: string
  database: number
  publication: string
}

export interface CreatedShape {
  handle: string
  /** A `ShapeSource`, to make the definition from again. */
  source: unknown
  /** Hash of the table's columns and types: another layout ends the shape. */
  layout: string
}

export interface LoadedShape {
  rows: number
  /** Bytes of the snapshot's chunks. */
  size: number
  /** Decimal LSN: transactions up to here are in the snapshot or in the entries that came with it. */
  completeTo: string
  /** Transactions that the snapshot may hold although they commit later: `xmin:xmax:xip,…` and an LSN. */
  visibility: { snapshot: string; lsn: string } | null
}

export interface TrimmedLog {
  /** Of the last entry that is gone; LSN as decimal text. */
  lsn: string
  position: number
  /** Rows that the shape had there. */
  rows: number
}

/** Bytes inside the frame's payload. */
export interface Slice {
  at: number
  length: number
}

export interface EntryRecord {
  position: number
  operation: Operation
  body: Slice
}

export interface NewEntry {
  position: number
  operation: Operation
  json: Buffer
}

export const LOG_FORMAT = 1

const TYPES = [
  'origin',
  'created',
  'chunk',
  'loaded',
  'entries',
  'dropped',
  'committed',
  'broken-off',
  'trimmed',
  'struck',
] as const
const HEAD_BYTES = 9
const ENTRY_BYTES = 9

/** Collects the records of one frame. Offsets that it returns count from the beginning of the payload. */
export class FrameBuilder {
  readonly parts: Buffer[] = []
  length = 0

  get empty(): boolean {
    return this.length === 0
  }

  origin(origin: LogOrigin): void {
    this.json('origin', 0, origin)
  }

  created(shape: number, created: CreatedShape): void {
    this.json('created', shape, created)
  }

  loaded(shape: number, loaded: LoadedShape): void {
    this.json('loaded', shape, loaded)
  }

  trimmed(shape: number, trimmed: TrimmedLog): void {
    this.json('trimmed', shape, trimmed)
  }

  struck(shape: number, lsns: readonly bigint[]): void {
    this.head('struck', shape, 8 * lsns.length)
    for (const lsn of lsns) this.uint64(lsn)
  }

  dropped(shape: number): void {
    this.head('dropped', shape, 0)
  }

  /** Returns where the chunk's bytes begin. */
  chunk(shape: number, chunk: number, body: Buffer): number {
    this.head('chunk', shape, 4 + body.length)
    this.uint32(chunk)
    return this.push(body)
  }

  /** Returns where each entry's bytes begin. */
  entries(shape: number, lsn: bigint, entries: readonly NewEntry[]): number[] {
    const length = 8 + entries.reduce((sum, { json }) => sum + ENTRY_BYTES + json.length, 0)
    this.head('entries', shape, length)
    this.uint64(lsn)
    return entries.map(({ position, operation, json }) => {
      const head = Buffer.allocUnsafe(ENTRY_BYTES)
      head.writeUInt32BE(position, 0)
      head.writeUInt8(OPERATIONS.indexOf(operation), 4)
      head.writeUInt32BE(json.length, 5)
      this.push(head)
      return this.push(json)
    })
  }

  committed(lsn: bigint, end: bigint): void {
    this.head('committed', 0, 16)
    this.uint64(lsn)
    this.uint64(end)
  }

  brokenOff(lsn: bigint): void {
    this.head('broken-off', 0, 8)
    this.uint64(lsn)
  }

  private json(type: (typeof TYPES)[number], shape: number, value: unknown): void {
    const body = Buffer.from(JSON.stringify(value))
    this.head(type, shape, body.length)
    this.push(body)
  }

  private head(type: (typeof TYPES)[number], shape: number, length: number): void {
    const head = Buffer.allocUnsafe(HEAD_BYTES)
    head.writeUInt8(TYPES.indexOf(type), 0)
    head.writeUInt32BE(shape, 1)
    head.writeUInt32BE(length, 5)
    this.push(head)
  }

  private uint32(value: number): void {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(value)
    this.push(bytes)
  }

  private uint64(value: bigint): void {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigUInt64BE(value)
    this.push(bytes)
  }

  private push(bytes: Buffer): number {
    const at = this.length
    this.parts.push(bytes)
    this.length += bytes.length
    return at
  }
}

/** The records of a frame's payload. Throws a RangeError for bytes that are none. */
export function readRecords(payload: Buffer): ShapeRecord[] {
  const records: ShapeRecord[] = []
  for (let at = 0; at < payload.length;) {
    const type = TYPES[payload.readUInt8(at)]
    const shape = payload.readUInt32BE(at + 1)
    const length = payload.readUInt32BE(at + 5)
    const start = at + HEAD_BYTES
    if (!type || start + length > payload.length) throw new RangeError('the shape log holds an unknown record')
    records.push(readRecord(type, shape, payload, start, length))
    at = start + length
  }
  return records
}

function readRecord(
  type: (typeof TYPES)[number],
  shape: number,
  payload: Buffer,
  at: number,
  length: number,
): ShapeRecord {
  const json = () => JSON.parse(payload.toString('utf8', at, at + length))
  switch (type) {
    case 'origin':
      return { type, origin: json() }
    case 'created':
      return { type, shape, created: json() }
    case 'chunk':
      return { type, shape, chunk: payload.readUInt32BE(at), body: { at: at + 4, length: length - 4 } }
    case 'loaded':
      return { type, shape, loaded: json() }
    case 'entries':
      return { type, shape, lsn: payload.readBigUInt64BE(at), entries: readEntries(payload, at + 8, at + length) }
    case 'trimmed':
      return { type, shape, trimmed: json() }
    case 'struck':
      return { type, shape, lsns: Array.from({ length: length / 8 }, (_, n) => payload.readBigUInt64BE(at + 8 * n)) }
    case 'dropped':
      return { type, shape }
    case 'committed':
      return { type, lsn: payload.readBigUInt64BE(at), end: payload.readBigUInt64BE(at + 8) }
    case 'broken-off':
      return { type, lsn: payload.readBigUInt64BE(at) }
  }
}

function readEntries(payload: Buffer, start: number, end: number): EntryRecord[] {
  const entries: EntryRecord[] = []
  for (let at = start; at < end;) {
    const length = payload.readUInt32BE(at + 5)
    const operation = OPERATIONS[payload.readUInt8(at + 4)] ?? 'update'
    entries.push({ position: payload.readUInt32BE(at), operation, body: { at: at + ENTRY_BYTES, length } })
    at += ENTRY_BYTES + length
  }
  return entries
}
