import pg from 'pg'
import { userError } from '../../../shared/kernel/errors.ts'
import type { RelationMessage } from '../replication/pgoutput.ts'
import { readTable, readTables, sameLayout, type Table } from './table.ts'

/**
 * Tables by name, remembered: a request must not ask the catalogue each time. Forgotten when a relation message or
 * the reconciler shows another layout.
 */
export class Catalog {
  private readonly tables = new Map<string, Promise<Table | undefined>>()
  private readonly known = new Map<number, Table>()
  private readonly db: pg.Pool
  private readonly publication: string
  private readonly anyTable: boolean

  constructor(db: pg.Pool, publication: string, anyTable: boolean) {
    this.db = db
    this.publication = publication
    this.anyTable = anyTable
  }

  /** The table, if it exists and is published with full old rows; else undefined. */
  find(schema: string, name: string): Promise<Table | undefined> {
    const id = `${schema}\u0000${name}`
    const known = this.tables.get(id)
    if (known) return known
    const found = this.look(schema, name)
    this.tables.set(id, found)
    found.then(
      (table) => (table ? this.known.set(table.oid, table) : this.tables.delete(id)),
      () => this.tables.delete(id),
    )
    return found
  }

  /** A layout as the stream has it: what is remembered must not be older. */
  check(relation: RelationMessage): void {
    const table = this.known.get(relation.oid)
    if (table && !matchesRelation(table, relation)) this.forget(table)
  }

  forget(table: Table): void {
    this.known.delete(table.oid)
    this.tables.delete(`${table.schema}\u0000${table.name}`)
  }

  /** Those of `tables` that are no longer as they were (altered, renamed, dropped, unpublished); they are forgotten. */
  async changed(tables: readonly Table[]): Promise<Table[]> {
    const all = [...new Set([...tables, ...this.known.values()])]
    if (all.length === 0) return []
    const oids = all.map((table) => table.oid)
    const now = new Map((await readTables(this.db, this.publication, oids)).map((table) => [table.oid, table]))
    const changed = all.filter((table) => {
      const current = now.get(table.oid)
      return !current || !sameLayout(table, current)
    })
    for (const table of changed) this.forget(table)
    return changed
  }

  private async look(schema: string, name: string): Promise<Table | undefined> {
    const table = await readTable(this.db, this.publication, schema, name)
    if (!table) return undefined
    if (table.published && table.fullIdentity) return table
    if (!this.anyTable) {
      if (!table.published) return undefined
      throw userError('request/invalid', { table: name }, `Table "${schema}"."${name}" needs REPLICA IDENTITY FULL`)
    }
    await this.publish(table)
    return readTable(this.db, this.publication, schema, name)
  }

  /** Tests only. The lock of ALTER TABLE waits for open writers, so that every later change is in the publication. */
  private async publish(table: Table): Promise<void> {
    const name = `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`
    const add = table.published ? '' : `alter publication ${pg.escapeIdentifier(this.publication)} add table ${name};`
    const client = await this.db.connect()
    try {
      await client.query(`begin read write; alter table ${name} replica identity full; ${add} commit`)
    } catch (error) {
      await client.query('rollback').catch(() => undefined)
      throw error
    } finally {
      client.release()
    }
  }
}

/** Whether a relation message describes the table as the catalogue did. Generated columns are in neither. */
export function matchesRelation(table: Table, relation: RelationMessage): boolean {
  if (relation.schema !== table.schema || relation.name !== table.name || relation.identity !== 'f') return false
  if (relation.columns.length !== table.columns.length) return false
  return table.columns.every((column, at) => {
    const other = relation.columns[at]
    return other?.name === column.name && other.typeOid === column.typeOid && other.typmod === column.typmod
  })
}
