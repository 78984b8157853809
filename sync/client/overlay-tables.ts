import type { PGliteInterface, Transaction } from '@electric-sql/pglite'
import { rowKeyText, type Row, type RowKey } from '../../shared/kernel/mutator.ts'
import { groupBy } from '../core/group-by.ts'
import type { OverlayRow } from '../core/overlay.ts'
import { pgText } from '../core/pg-text.ts'
import { SHAPE_NAMES, SHAPES, shapeOfTable, type ShapeDefinition } from '../protocol/shapes.ts'
import { replicaColumns, type ReplicaColumn } from './replica-schema.ts'
import { deleteRows, selectRows, upsertRows, type Statement } from './replica-sql.ts'

type Cells = Record<string, string | null>

interface Shown {
  table: string
  cells: Cells
  json: string
}

const MARKS: readonly ReplicaColumn[] = [
  { name: '_deleted', type: 'boolean' },
  { name: '_pending_since', type: 'timestamptz' },
]

/** The `<t>_local` tables: written as the difference between the overlay that was and the one that should be. */
export class OverlayTables {
  readonly #pg: PGliteInterface
  readonly #shown = new Map<string, Shown>()
  /** What an earlier life left behind is not known here and goes first. */
  #cleared = false

  constructor(pg: PGliteInterface) {
    this.#pg = pg
  }

  get empty(): boolean {
    return this.#cleared && this.#shown.size === 0
  }

  /** Makes the tables hold exactly `rows`; answers with the tables that changed. */
  async show(rows: ReadonlyMap<string, OverlayRow>): Promise<string[]> {
    const wanted = new Map(
      [...rows].flatMap(([id, row]) => {
        const cells = cellsOf(row)
        return cells ? [[id, { table: row.table, cells, json: JSON.stringify(cells) }] as const] : []
      }),
    )
    const put = [...wanted].filter(([id, { json }]) => this.#shown.get(id)?.json !== json).map(([, row]) => row)
    const drop = [...this.#shown].filter(([id]) => !wanted.has(id)).map(([, row]) => row)
    const changed = new Set([...put, ...drop].map(({ table }) => table))
    if (this.#cleared && changed.size === 0) return []
    const refused = await this.#write(put, drop)
    const first = !this.#cleared
    this.#cleared = true
    this.#shown.clear()
    for (const [id, row] of wanted) if (!refused.has(row)) this.#shown.set(id, row)
    return first ? SHAPE_NAMES.map((name) => SHAPES[name].table) : [...changed]
  }

  /** Answers with rows that the database refuses: they cannot be shown, and must not hold up the others. */
  async #write(put: readonly Shown[], drop: readonly Shown[]): Promise<Set<Shown>> {
    const refused = new Set<Shown>()
    try {
      await this.#pg.transaction(async (tx) => {
        await this.#clear(tx)
        for (const [table, rows] of groupBy([...put, ...drop], (row) => row.table)) {
          const own = (list: readonly Shown[]) => rows.filter((row) => list.includes(row)).map((row) => row.cells)
          for (const { sql, values } of statements(table, own(put), own(drop))) await tx.query(sql, values)
        }
      })
    } catch {
      await this.#pg.transaction(async (tx) => {
        await this.#clear(tx)
        for (const row of [...drop, ...put]) {
          await tx.exec('savepoint one_row')
          const [statement] = put.includes(row)
            ? statements(row.table, [row.cells], [])
            : statements(row.table, [], [row.cells])
          await tx.query(statement?.sql ?? 'select 1', statement?.values ?? []).catch(async () => {
            refused.add(row)
            await tx.exec('rollback to savepoint one_row')
          })
        }
      })
    }
    return refused
  }

  async #clear(tx: Transaction): Promise<void> {
    if (this.#cleared) return
    for (const name of SHAPE_NAMES) await tx.query(`delete from ${SHAPES[name].table}_local`)
  }
}

function statements(table: string, put: Cells[], drop: Cells[]): Statement[] {
  const shape = shapeOfTable(table)
  if (!shape) return []
  const columns = [...replicaColumns(shape), ...MARKS]
  const key = keyOf(shape)
  return [...deleteRows(`${table}_local`, key, drop), ...upsertRows(`${table}_local`, columns, key, put)]
}

/** A row as text cells; undefined for tables that no shape carries: nobody here could read them. */
function cellsOf({ table, key, row, since }: OverlayRow): Cells | undefined {
  const shape = shapeOfTable(table)
  if (!shape) return undefined
  const whole: Row = row ?? key
  const cells = replicaColumns(shape).map(({ name, type }) => [name, pgText(whole[name], type)])
  return { ...Object.fromEntries(cells), ...key, _deleted: row === null ? 'true' : 'false', _pending_since: since }
}

function keyOf(shape: ShapeDefinition): ReplicaColumn[] {
  const columns = replicaColumns(shape)
  return shape.key.flatMap((name) => columns.filter((column) => column.name === name))
}

/** Synced rows of the given keys that exist, by `rowKeyText`. */
export async function readBase(pg: PGliteInterface, keys: readonly RowKey[]): Promise<Map<string, Row>> {
  const found = new Map<string, Row>()
  for (const [table, group] of groupBy(keys, (key) => key.table)) {
    const shape = shapeOfTable(table)
    if (!shape) continue
    const { sql, values } = selectRows(
      `${table}_synced`,
      replicaColumns(shape),
      keyOf(shape),
      group.map(({ key }) => key),
    )
    const { rows } = await pg.query<Row>(sql, values)
    for (const row of rows) {
      const key = Object.fromEntries(shape.key.map((name) => [name, String(row[name])]))
      found.set(rowKeyText(table, key), row)
    }
  }
  return found
}
