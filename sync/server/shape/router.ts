import type { RelationMessage } from '../replication/pgoutput.ts'
import type { RowChange, Tuple } from '../replication/transaction.ts'
import type { ShapeLog } from './shape-log.ts'

/** Told of each shape that a change may concern. `undefined` for `before` and `after`: Postgres has to decide. */
export type Emit = (shape: ShapeLog, before: boolean | undefined, after: boolean | undefined) => void

interface TableRoutes {
  all: Set<ShapeLog>
  sql: Set<ShapeLog>
  /** By column and `but`: the cost of a change does not grow with the number of shapes. */
  equal: Map<string, EqualRoutes>
  relation?: RelationMessage | undefined
  index: Map<string, number>
}

interface EqualRoutes {
  column: string
  but: string | undefined
  /** Shapes by the value that they want. */
  values: Map<string, Set<ShapeLog>>
}

/** Finds the shapes of a change. */
export class Router {
  private readonly tables = new Map<number, TableRoutes>()

  add(shape: ShapeLog): void {
    const { filter, format } = shape.definition
    const routes = this.tables.get(format.table.oid) ?? newRoutes()
    this.tables.set(format.table.oid, routes)
    if (filter.kind === 'all') routes.all.add(shape)
    else if (filter.kind === 'sql') routes.sql.add(shape)
    else {
      const { column, but, value } = filter
      const equal: EqualRoutes = routes.equal.get(equalKey(filter)) ?? { column, but, values: new Map() }
      routes.equal.set(equalKey(filter), equal)
      const shapes = equal.values.get(value) ?? new Set<ShapeLog>()
      equal.values.set(value, shapes)
      shapes.add(shape)
    }
  }

  remove(shape: ShapeLog): void {
    const { filter, format } = shape.definition
    const routes = this.tables.get(format.table.oid)
    if (!routes) return
    routes.all.delete(shape)
    routes.sql.delete(shape)
    if (filter.kind === 'equals') {
      const values = routes.equal.get(equalKey(filter))?.values
      const shapes = values?.get(filter.value)
      shapes?.delete(shape)
      if (shapes?.size === 0) values?.delete(filter.value)
      if (values?.size === 0) routes.equal.delete(equalKey(filter))
    }
    if (routes.all.size + routes.sql.size + routes.equal.size === 0) this.tables.delete(format.table.oid)
  }

  route(change: RowChange, emit: Emit): void {
    const routes = this.tables.get(change.relation.oid)
    if (!routes) return
    for (const shape of routes.all) emit(shape, change.old !== undefined, change.new !== undefined)
    for (const shape of routes.sql) emit(shape, undefined, undefined)
    if (routes.equal.size > 0) routeEqual(routes, change, emit)
  }

  /** All shapes on a table. */
  shapesOf(table: number): ShapeLog[] {
    const routes = this.tables.get(table)
    if (!routes) return []
    const equal = [...routes.equal.values()].flatMap(({ values }) =>
      [...values.values()].flatMap((shapes) => [...shapes]),
    )
    return [...routes.all, ...routes.sql, ...equal]
  }
}

function routeEqual(routes: TableRoutes, change: RowChange, emit: Emit): void {
  if (routes.relation !== change.relation) {
    routes.relation = change.relation
    routes.index = new Map(change.relation.columns.map((column, at) => [column.name, at]))
  }
  for (const { column, but, values } of routes.equal.values()) {
    const at = routes.index.get(column) ?? -1
    const not = but === undefined ? -1 : (routes.index.get(but) ?? -1)
    const old = valueOf(change.old, at, not)
    const row = valueOf(change.new, at, not)
    if (old === row) {
      emitTo(values, old, true, true, emit)
      continue
    }
    emitTo(values, old, true, false, emit)
    emitTo(values, row, false, true, emit)
  }
}

/** The value by which a row is found; null, which equals nothing, for a row that no shape wants. */
function valueOf(row: Tuple | undefined, at: number, not: number): string | null {
  if (!row || row[not] === 't') return null
  return row[at] ?? null
}

function equalKey({ column, but }: { column: string; but?: string | undefined }): string {
  return but === undefined ? column : `${column} but ${but}`
}

function emitTo(
  values: Map<string, Set<ShapeLog>>,
  value: string | null,
  before: boolean,
  after: boolean,
  emit: Emit,
): void {
  const shapes = value === null ? undefined : values.get(value)
  if (shapes) for (const shape of shapes) emit(shape, before, after)
}

function newRoutes(): TableRoutes {
  return { all: new Set(), sql: new Set(), equal: new Map(), index: new Map() }
}
