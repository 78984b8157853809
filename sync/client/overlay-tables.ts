import type { PGliteInterface } from '@electric-sql/pglite'
import { rowKeyText, type Row, type RowKey } from '../../shared/kernel/mutator.ts'
import { groupBy } from '../core/group-by.ts'
import type { OverlayRow } from '../core/overlay.ts'
import { pgText } from '../core/pg-text.ts'
import { SHAPE_NAMES, SHAPES, shapeOfTable, type ShapeDefinition } from '../protocol/shapes.ts'
import { replicaColumns, type ReplicaColumn } from './replica-schema.ts'
import { deleteRows, selectRows, upsertRows, type Statement } from './replica-sql.ts'

type Cells = Record<string, string | null>

const MARKS: readonly ReplicaColumn[] = [
  { name: '_deleted', type: 'boolean' },
  { name: '_pending_since', type: 'timestamptz' },
]

/** The `<t>_local` tables: written as the difference between the overlay that was and the one that should be. */
export class OverlayTables {
  readonly #pg: PGliteInterface
  readonly #shown = new Map<string, { table: string; cells: Cells; json: string }>()
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
    const wanted = new Map([...rows].flatMap(([id, row]) => {
      const cells = cellsOf(row)
      return cells ? [[id, { table: row.table, cells, json: JSON.stringify(cells) }] as const] : []
    }))
    const put = [...wanted].filter(([id, { json }]) => this.#shown.get(id)?.json !== json).map(([, row]) => row)
    const drop = [...this.#shown].filter(([id]) => !wanted.has(id)).map(([, row]) => row)
    const changed = new Set([...put, ...drop].map(({ table }) => table))
    if (this.#cleared && changed.size === 0) return []
    await this.#pg.transaction(async (tx) => {
      if (!this.#cleared) {
        for (const name of SHAPE_NAMES) await tx.query(`delete from ${SHAPES[name].table}_local`)
      }
      for (const table of changed) {
        const own = (list: { table: string; cells: Cells }[]) => list.filter((row) => row.table === table).map((row) => row.cells)
        for (const { sql, values } of statements(table, own(put), own(drop))) await tx.query(sql, values)
      }
    })
    const first = !this.#cleared
    this.#cleared = true
    this.#shown.clear()
    for (const [id, row] of wanted) this.#shown.set(id, row)
    return first ? SHAPE_NAMES.map((name) => SHAPES[name].table) : [...changed]
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
    const { sql, values } = selectRows(`${table}_synced`, replicaColumns(shape), keyOf(shape), group.map(({ key }) => key))
    const { rows } = await pg.query<Row>(sql, values)
    for (const row of rows) {
      const key = Object.fromEntries(shape.key.map((name) => [name, String(row[name])]))
      found.set(rowKeyText(table, key), row)
    }
  }
  return found
}
