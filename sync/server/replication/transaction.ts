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

/** A committed transaction. Transactions arrive in the order of `lsn`. */
export interface Transaction {
  /** LSN of the commit record, as in pgoutput's Begin. */
  lsn: bigint
  /** 32-bit transaction id. */
  xid: number
  changes: RowChange[]
  /** Tables whose logs cannot be continued by `changes`: truncated, altered, without full old rows, or too much at once. */
  broken: Set<number>
}

/** Bytes of row data that one transaction may hold in memory; beyond that its tables' shapes start anew. */
const MAX_TRANSACTION_SIZE = 256 * 1024 * 1024

/**
 * Turns the message stream into whole transactions.
 *
 * Unchanged TOAST values are taken from the old row, which REPLICA IDENTITY FULL delivers with every value in it.
 */
export class TransactionAssembler {
  private readonly relations = new Map<number, RelationMessage>()
  private current: Transaction | undefined
  private position = 0
  private size = 0
  private readonly onTransaction: (transaction: Transaction) => void
  private readonly onRelation: (relation: RelationMessage) => void

  constructor(onTransaction: (transaction: Transaction) => void, onRelation: (relation: RelationMessage) => void) {
    this.onTransaction = onTransaction
    this.onRelation = onRelation
  }

  /** Takes the next message; `bytes` is its length on the wire. */
  accept(message: ReplicationMessage, bytes: number): void {
    switch (message.tag) {
      case 'begin':
        this.current = { lsn: message.lsn, xid: message.xid, changes: [], broken: new Set() }
        this.position = 0
        this.size = 0
        return
      case 'commit':
        if (this.current) this.onTransaction(this.current)
        this.current = undefined
        return
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
    this.size += bytes
    const incomplete = (kind !== 'insert' && !old) || (kind !== 'delete' && !row)
    if (!relation || incomplete || this.size > MAX_TRANSACTION_SIZE) {
      transaction.broken.add(oid)
      return
    }
    transaction.changes.push({ kind, relation, old, new: row, position })
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
