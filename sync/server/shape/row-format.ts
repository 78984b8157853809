import type { RelationMessage } from '../replication/pgoutput.ts'
import type { Commit, RowChange, Tuple } from '../replication/transaction.ts'
import type { Operation } from '../storage/entry-index.ts'
import { keyColumns, type Table, type TableColumn } from './table.ts'

const BOOL = 16

/** What a change means to one shape, by whether the old and the new row are in it. */
export interface ShapeChange {
  change: RowChange
  before: boolean
  after: boolean
}

/** A message to be, before it is known whether it is the last of its transaction. */
export interface Draft {
  position: number
  operation: Operation
  headers: Record<string, unknown>
  key: string
  value: Record<string, string | null>
  oldValue?: Record<string, string | null> | undefined
}

/**
 * How rows of a table become messages for one choice of columns. Shared by all shapes with the same choice.
 * Message forms: Electric's HTTP API, "Shape log".
 */
export class RowFormat {
  readonly table: Table
  readonly columns: TableColumn[]
  readonly replica: 'default' | 'full'
  private readonly keys: string[]
  private readonly prefix: string
  private readonly hasPrimaryKey: boolean
  private indexedFor: RelationMessage | undefined
  private index = new Map<string, number>()

  constructor(table: Table, columnNames: readonly string[] | undefined, replica: 'default' | 'full') {
    this.table = table
    this.replica = replica
    const chosen = columnNames && new Set(columnNames)
    this.columns = table.columns.filter((column) => !chosen || chosen.has(column.name))
    this.keys = keyColumns(table)
    this.hasPrimaryKey = table.columns.some((column) => column.pkIndex !== null)
    this.prefix = `${quoteName(table.schema)}.${quoteName(table.name)}`
  }

  /** Names of the columns that a snapshot must select: the chosen ones, then those of the key that are not among them. */
  snapshotColumns(): string[] {
    const names = this.columns.map((column) => column.name)
    return [...names, ...this.keys.filter((key) => !names.includes(key))]
  }

  /** A row of the snapshot, given in the order of `snapshotColumns()`, as a message. */
  snapshotRow(names: readonly string[], row: Tuple, more?: Record<string, unknown>): string {
    const value: Record<string, string | null> = {}
    for (const [at, column] of this.columns.entries()) {
      const text = row[at] ?? null
      // Electric's snapshots spell booleans out, its log does not.
      value[column.name] = column.typeOid === BOOL && text !== null ? (text === 't' ? 'true' : 'false') : text
    }
    const key = this.keyOf((name) => row[names.indexOf(name)] ?? null)
    return JSON.stringify({
      key,
      value,
      headers: { operation: 'insert', relation: [this.table.schema, this.table.name], ...more },
    })
  }

  /** What changes of one transaction mean to one shape. */
  drafts(changes: readonly ShapeChange[]): Draft[] {
    return changes.flatMap((change) => this.draftsOf(change))
  }

  /** A message of the log; the last one of a transaction in a shape is marked. */
  message({ position, operation, headers, key, value, oldValue }: Draft, commit: Commit, last: boolean): string {
    return JSON.stringify({
      key,
      value,
      ...(oldValue && { old_value: oldValue }),
      headers: {
        operation,
        ...headers,
        relation: [this.table.schema, this.table.name],
        lsn: String(commit.lsn),
        op_position: position,
        txids: [commit.xid],
        ...(last && { last: true }),
      },
    })
  }

  private draftsOf({ change, before, after }: ShapeChange): Draft[] {
    this.prepare(change.relation)
    const { old, new: row, position } = change
    if (before && after && old && row) return this.updated(old, row, position)
    if (after && row) return [this.inserted(row, position)]
    if (before && old) return [this.deleted(old, position)]
    return []
  }

  private inserted(row: Tuple, position: number): Draft {
    return { position, operation: 'insert', headers: {}, key: this.key(row), value: this.valueOf(row) }
  }

  private deleted(row: Tuple, position: number): Draft {
    const whole = this.replica === 'full' || !this.hasPrimaryKey
    return {
      position,
      operation: 'delete',
      headers: {},
      key: this.key(row),
      value: whole ? this.valueOf(row) : this.valueOf(row, (column) => column.pkIndex !== null),
    }
  }

  private updated(old: Tuple, row: Tuple, position: number): Draft[] {
    const changed = new Set(this.columns.filter((column) => this.at(old, column.name) !== this.at(row, column.name)))
    if (changed.size === 0) return []
    const oldKey = this.key(old)
    const key = this.key(row)
    if (oldKey !== key) {
      const gone = this.deleted(old, position)
      const come = this.inserted(row, position + 1)
      gone.headers['key_change_to'] = key
      come.headers['key_change_from'] = oldKey
      return [gone, come]
    }
    const full = this.replica === 'full'
    return [
      {
        position,
        operation: 'update',
        headers: {},
        key,
        value: full ? this.valueOf(row) : this.valueOf(row, (column) => column.pkIndex !== null || changed.has(column)),
        oldValue: full ? this.valueOf(old, (column) => changed.has(column)) : undefined,
      },
    ]
  }

  private prepare(relation: RelationMessage): void {
    if (this.indexedFor === relation) return
    this.index = new Map(relation.columns.map((column, at) => [column.name, at]))
    this.indexedFor = relation
  }

  private at(row: Tuple, name: string): string | null {
    return row[this.index.get(name) ?? -1] ?? null
  }

  private valueOf(row: Tuple, include?: (column: TableColumn) => boolean): Record<string, string | null> {
    const value: Record<string, string | null> = {}
    for (const column of this.columns) if (!include || include(column)) value[column.name] = this.at(row, column.name)
    return value
  }

  private key(row: Tuple): string {
    return this.keyOf((name) => this.at(row, name))
  }

  private keyOf(value: (name: string) => string | null): string {
    let key = this.prefix
    for (const name of this.keys) {
      const part = value(name)
      key += part === null ? '/_' : `/"${part.replaceAll('/', '//')}"`
    }
    return key
  }
}

function quoteName(name: string): string {
  return `"${name.replaceAll('.', '..').replaceAll('/', '//')}"`
}
