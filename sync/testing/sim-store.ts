import { pgTypeOf } from '../../shared/kernel/column.ts'
import { rowKeyText, type Row } from '../../shared/kernel/mutator.ts'
import { keyColumns } from '../core/effect.ts'
import type { Folded } from '../core/fold-changes.ts'
import type { OverlayRow } from '../core/overlay.ts'
import { SHAPES, shapeOfTable, type ShapeDefinition, type ShapeName } from '../protocol/shapes.ts'

export type Cells = Record<string, string | null>

/** One shape as a replica holds it. */
export interface ShapeCopy {
  rows: ReadonlyMap<string, Cells>
  /** Undefined: to be fetched from the beginning. */
  position: { handle: string; offset: string } | undefined
  lsn: string | null
  /** Commits of the server that the rows hold; known to the simulator alone. */
  commits: number
}

/** A shape of which nothing is here. */
export const EMPTY_COPY: ShapeCopy = { rows: new Map(), position: undefined, lsn: null, commits: -1 }

/** A replica's files at one moment. Values are never changed in place, so that a copy costs nothing. */
export interface Store {
  shapes: ReadonlyMap<ShapeName, ShapeCopy>
  local: ReadonlyMap<string, OverlayRow>
}

export const EMPTY_STORE: Store = { shapes: new Map(), local: new Map() }

export function withShape(store: Store, name: ShapeName, copy: ShapeCopy): Store {
  return { ...store, shapes: new Map(store.shapes).set(name, copy) }
}

/** The same rows, while nobody knows any more how far some shapes reach. */
export function withoutLsns(store: Store, names: readonly ShapeName[]): Store {
  const shapes = [...store.shapes].map(([name, copy]) => {
    return [name, names.includes(name) ? { ...copy, lsn: null } : copy] as const
  })
  return { ...store, shapes: new Map(shapes) }
}

export function synced(store: Store, table: string, id: string): Row | undefined {
  const shape = shapeOfTable(table)
  const cells = shape && store.shapes.get(shape.name)?.rows.get(id)
  return cells && typed(shape.name, cells)
}

/** A row as queries over `v_<table>` see it. */
export function visible(store: Store, table: string, id: string): Row | undefined {
  const local = store.local.get(id)
  return (local ? local.row : synced(store, table, id)) ?? undefined
}

export function keyOfCells(name: ShapeName, cells: Cells): string {
  const { table } = SHAPES[name]
  return rowKeyText(table, Object.fromEntries(keyColumns(table).map((column) => [column, cells[column] ?? ''])))
}

/** `rows` after one folded change; answers whether the change found what it spoke of. */
export function fold(rows: Map<string, Cells>, key: string, { kind, row }: Folded): boolean {
  const before = rows.get(key)
  if (kind === 'drop') rows.delete(key)
  else if (kind === 'put') rows.set(key, row)
  else if (before) rows.set(key, { ...before, ...row })
  else return false
  return true
}

const TYPED = new WeakMap<Cells, Row>()

/** Text cells as the types that mutators compare. Cells are never changed, so that each row is read once. */
function typed(name: ShapeName, cells: Cells): Row {
  const known = TYPED.get(cells)
  if (known) return known
  const shape: ShapeDefinition = SHAPES[name]
  const entries = Object.entries(cells).map(([column, cell]) => {
    const schema = shape.row.properties[column]
    return [column, cell === null || !schema ? cell : value(cell, pgTypeOf(schema))] as const
  })
  const row: Row = Object.fromEntries(entries)
  TYPED.set(cells, row)
  return row
}

function value(cell: string, type: string): unknown {
  if (type === 'jsonb') return JSON.parse(cell)
  if (type === 'bool') return cell === 'true'
  return type.startsWith('int') ? Number(cell) : cell
}
