import { UNCHANGED, type RelationMessage, type ReplicationMessage, type WireTuple } from './pgoutput.ts'

/** A row as Postgres text, in the order of its relation's columns. */
export type Tuple = (string | null)[]

export interface RowChange {
  kind: 'insert' | 'update' | 'delete'
  relation: RelationMessage
  old: Tuple | undefined
  new: Tuple | undefined
  /** Place in the transaction among all published changes: 0, 2, 4 … (the odd ones are for split key changes). */
  position: number
}

/** Which transaction it is: enough to say whether a snapshot holds it. */
export interface Commit {
  /** LSN of the commit record, as in pgoutput's Begin. */
  lsn: bigint
  /** 32-bit transaction id. */
  xid: number
}

/** A committed transaction, or a part of a big one. Transactions arrive one after the other, in the order of `lsn`. */
export interface TransactionPart extends Commit {
  changes: RowChange[]
  /** Tables whose logs cannot be continued by `changes`: truncated, altered, or without full old rows. */
  broken: Set<number>
  /** Where the log goes on behind the commit; undefined while more parts follow. */
  end: bigint | undefined
}

/** Bytes of row data that are held before they are handed on, although the transaction has not ended. */
const PART_BYTES = 4 * 1024 * 1024

/**
 * Turns the message stream into transactions. One that is bigger than memory passes in parts.
 *
 * Unchanged TOAST values are taken from the old row, which REPLICA IDENTITY FULL delivers with every value in it.
 */
export class TransactionAssembler {
  private readonly relations = new Map<number, RelationMessage>()
  private current: Omit<TransactionPart, 'end'> | undefined
  private position = 0
  private size = 0
  private readonly onPart: (part: TransactionPart) => void
  private readonly onRelation: (relation: RelationMessage) => void
  private readonly partBytes: number

  constructor(
    onPart: (part: TransactionPart) => void,
    onRelation: (relation: RelationMessage) => void,
    partBytes = PART_BYTES,
  ) {
    this.onPart = onPart
    this.onRelation = onRelation
    this.partBytes = partBytes
  }

  /** A transaction has begun and not ended. */
  get open(): boolean {
    return this.current !== undefined
  }

  /** Takes the next message; `bytes` is its length on the wire. */
  accept(message: ReplicationMessage, bytes: number): void {
    switch (message.tag) {
      case 'begin':
        this.current = { lsn: message.lsn, xid: message.xid, changes: [], broken: new Set() }
        this.position = 0
        this.size = 0
        return
      case 'commit': {
        const whole = this.current
        this.current = undefined
        if (whole) this.onPart({ ...whole, end: message.endLsn })
        return
      }
      case 'relation':
        this.relations.set(message.oid, message)
        this.onRelation(message)
        return
      case 'insert':
        this.add('insert', message.relation, undefined, rowOf(message.new, undefined), bytes)
        return
      case 'update': {
        const old = message.full ? rowOf(message.old, undefined) : undefined
        this.add('update', message.relation, old, rowOf(message.new, old), bytes)
        return
      }
      case 'delete':
        this.add('delete', message.relation, message.full ? rowOf(message.old, undefined) : undefined, undefined, bytes)
        return
      case 'truncate':
        for (const relation of message.relations) this.current?.broken.add(relation)
        return
      case 'other':
        return
    }
  }

  private add(
    kind: RowChange['kind'],
    oid: number,
    old: Tuple | undefined,
    row: Tuple | undefined,
    bytes: number,
  ): void {
    const transaction = this.current
    const relation = this.relations.get(oid)
    if (!transaction) return
    const position = this.position
    this.position += 2
    const incomplete = (kind !== 'insert' && !old) || (kind !== 'delete' && !row)
    if (!relation || incomplete) {
      transaction.broken.add(oid)
      return
    }
    transaction.changes.push({ kind, relation, old, new: row, position })
    this.size += bytes
    if (this.size < this.partBytes) return
    this.current = { ...transaction, changes: [] }
    this.size = 0
    this.onPart({ ...transaction, end: undefined })
  }
}

/** The whole row, or undefined when a value is missing that `old` does not have either. */
function rowOf(tuple: WireTuple | undefined, old: Tuple | undefined): Tuple | undefined {
  if (!tuple) return undefined
  const row: Tuple = []
  for (const [index, value] of tuple.entries()) {
    if (value !== UNCHANGED) row.push(value)
    else if (old) row.push(old[index] ?? null)
    else return undefined
  }
  return row
}
