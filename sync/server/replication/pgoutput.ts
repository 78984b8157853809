/**
 * Decoder of the logical replication messages of plug-in `pgoutput`, protocol version 1 (PostgreSQL documentation,
 * "Logical Replication Message Formats"). Values stay Postgres text: the wire of shapes carries text too.
 */

/** A column's value as text; null is NULL; UNCHANGED is a TOAST value that the change did not touch. */
export const UNCHANGED = Symbol('unchanged TOAST value')
export type WireTuple = (string | null | typeof UNCHANGED)[]

export interface RelationColumn {
  name: string
  typeOid: number
  /** Type modifier, -1 when the type has none. */
  typmod: number
}

export interface RelationMessage {
  tag: 'relation'
  oid: number
  schema: string
  name: string
  /** `f` for REPLICA IDENTITY FULL. */
  identity: string
  columns: RelationColumn[]
}

export type ReplicationMessage =
  | { tag: 'begin'; /** LSN of the commit record. */ lsn: bigint; xid: number }
  | { tag: 'commit'; lsn: bigint; endLsn: bigint }
  | RelationMessage
  | { tag: 'insert'; relation: number; new: WireTuple }
  | {
      tag: 'update'
      relation: number
      old: WireTuple | undefined
      /** The old tuple is whole, not just the key. */ full: boolean
      new: WireTuple
    }
  | { tag: 'delete'; relation: number; old: WireTuple; full: boolean }
  | { tag: 'truncate'; relations: number[] }
  | { tag: 'other'; type: string }

/** Decodes one pgoutput message. Throws a RangeError when the bytes end early. */
export function decodeMessage(bytes: Buffer): ReplicationMessage {
  const reader = new Reader(bytes)
  const type = String.fromCharCode(reader.uint8())
  return DECODERS[type]?.(reader) ?? { tag: 'other', type }
}

const DECODERS: Record<string, (reader: Reader) => ReplicationMessage> = {
  B: (reader) => {
    const lsn = reader.uint64()
    reader.skip(8)
    return { tag: 'begin', lsn, xid: reader.uint32() }
  },
  C: (reader) => {
    reader.skip(1)
    return { tag: 'commit', lsn: reader.uint64(), endLsn: reader.uint64() }
  },
  R: (reader) => ({
    tag: 'relation',
    oid: reader.uint32(),
    schema: reader.text(),
    name: reader.text(),
    identity: String.fromCharCode(reader.uint8()),
    columns: reader.list(reader.uint16(), () => {
      reader.skip(1)
      return { name: reader.text(), typeOid: reader.uint32(), typmod: reader.int32() }
    }),
  }),
  I: (reader) => {
    const relation = reader.uint32()
    reader.skip(1)
    return { tag: 'insert', relation, new: reader.tuple() }
  },
  U: (reader) => {
    const relation = reader.uint32()
    const kind = String.fromCharCode(reader.uint8())
    if (kind === 'N') return { tag: 'update', relation, old: undefined, full: false, new: reader.tuple() }
    const old = reader.tuple()
    reader.skip(1)
    return { tag: 'update', relation, old, full: kind === 'O', new: reader.tuple() }
  },
  D: (reader) => {
    const relation = reader.uint32()
    const full = String.fromCharCode(reader.uint8()) === 'O'
    return { tag: 'delete', relation, old: reader.tuple(), full }
  },
  T: (reader) => {
    const count = reader.uint32()
    reader.skip(1)
    return { tag: 'truncate', relations: reader.list(count, () => reader.uint32()) }
  },
}

class Reader {
  private offset = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  skip(count: number): void {
    this.offset += count
  }

  uint8(): number {
    const value = this.bytes.readUInt8(this.offset)
    this.offset += 1
    return value
  }

  uint16(): number {
    const value = this.bytes.readUInt16BE(this.offset)
    this.offset += 2
    return value
  }

  uint32(): number {
    const value = this.bytes.readUInt32BE(this.offset)
    this.offset += 4
    return value
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.offset)
    this.offset += 4
    return value
  }

  uint64(): bigint {
    const value = this.bytes.readBigUInt64BE(this.offset)
    this.offset += 8
    return value
  }

  /** A zero-terminated string. */
  text(): string {
    const end = this.bytes.indexOf(0, this.offset)
    if (end < 0) throw new RangeError('unterminated string in a replication message')
    const value = this.bytes.toString('utf8', this.offset, end)
    this.offset = end + 1
    return value
  }

  list<T>(count: number, read: () => T): T[] {
    const items: T[] = []
    for (let index = 0; index < count; index += 1) items.push(read())
    return items
  }

  tuple(): WireTuple {
    return this.list(this.uint16(), () => this.value())
  }

  private value(): string | null | typeof UNCHANGED {
    const kind = this.uint8()
    if (kind === 0x6e) return null
    if (kind === 0x75) return UNCHANGED
    if (kind !== 0x74) throw new RangeError('a replication message holds a value that is not text')
    const length = this.uint32()
    const end = this.offset + length
    if (end > this.bytes.length) throw new RangeError('a replication message ends early')
    const value = this.bytes.toString('utf8', this.offset, end)
    this.offset = end
    return value
  }
}
