import { pgTypeOf } from '../../../shared/kernel/column.ts'
import { AppError } from '../../../shared/kernel/errors.ts'
import type { Row, Write } from '../../../shared/kernel/mutator.ts'
import type { Part } from '../../../server/kernel/statement.ts'
import { butHidden, shapeOfTable } from '../../protocol/shapes.ts'

type Shape = NonNullable<ReturnType<typeof shapeOfTable>>

/**
 * The writes of one mutation as parts of a statement, each guarded by the CTE `ack`. The owner column is forced to the
 * actor, and updates touch rows of the actor only: a mutator cannot write for somebody else even if it tried.
 */
export function writeParts(writes: readonly Write[], user_id: string): Part[] {
  const inserts = new Map<string, { table: string; op: 'insert' | 'upsert'; rows: Row[]; columns: string[] }>()
  const parts: Part[] = []
  for (const write of writes) {
    const shape = requireShape(write.table)
    if (write.op === 'update') parts.push(updatePart(shape, write, user_id, parts.length))
    else if (write.op === 'delete') parts.push(deletePart(shape, write, user_id, parts.length))
    else {
      const row = { ...write.row, [shape.owner]: user_id }
      const columns = knownColumns(shape, row)
      const group = `${write.op} ${write.table} ${columns.join(',')}`
      const known = inserts.get(group)
      if (known) known.rows.push(row)
      else inserts.set(group, { table: write.table, op: write.op, rows: [row], columns })
    }
  }
  for (const group of inserts.values()) parts.push(insertPart(requireShape(group.table), group, parts.length))
  return parts
}

function requireShape(table: string): Shape {
  const shape = shapeOfTable(table)
  if (!shape) throw new AppError('bug', 'server/bug', {}, `a mutator wrote to ${table}, which does not sync`)
  return shape
}

/** Column names come from the row schema, never from arguments. */
function knownColumns(shape: Shape, row: Row): string[] {
  const properties: Record<string, unknown> = shape.row.properties
  for (const name of Object.keys(row)) {
    if (!Object.hasOwn(properties, name))
      throw new AppError('bug', 'server/bug', {}, `${shape.table} has no column ${name}`)
  }
  return Object.keys(properties).filter((name) => Object.hasOwn(row, name))
}

function typedColumns(shape: Shape, columns: readonly string[]): string {
  const properties = shape.row.properties
  return columns
    .map((name) => {
      const schema: unknown = Reflect.get(properties, name)
      return `${name} ${pgTypeOf(Object(schema))}`
    })
    .join(', ')
}

function insertPart(
  shape: Shape,
  group: { op: 'insert' | 'upsert'; rows: Row[]; columns: string[] },
  index: number,
): Part {
  const { columns } = group
  const changed = columns.filter((name) => !shape.key.some((key) => key === name))
  const conflict =
    group.op === 'upsert'
      ? ` on conflict (${shape.key.join(', ')}) do update set ${changed.map((name) => `${name} = excluded.${name}`).join(', ')}
          where ${shape.table}.${shape.owner} = excluded.${shape.owner}${butHidden(shape, shape.table)}`
      : ''
  return {
    name: `w${index}`,
    sql: `insert into ${shape.table} (${columns.join(', ')})
      select ${columns.map((name) => `r.${name}`).join(', ')} from jsonb_to_recordset($1::jsonb) as r(${typedColumns(shape, columns)})
      where exists (select 1 from ack)${conflict}`,
    values: [JSON.stringify(group.rows)],
  }
}

function updatePart(shape: Shape, write: Extract<Write, { op: 'update' }>, user_id: string, index: number): Part {
  const columns = knownColumns(shape, write.set).filter((name) => name !== shape.owner)
  const keyed = keyCondition(shape, write.key, 3)
  return {
    name: `w${index}`,
    sql: `update ${shape.table} t set ${columns.map((name) => `${name} = r.${name}`).join(', ')}
      from jsonb_to_record($1::jsonb) as r(${typedColumns(shape, columns)})
      where t.${shape.owner} = $2::uuid${butHidden(shape, 't')} and ${keyed.sql} and exists (select 1 from ack)`,
    values: [JSON.stringify(write.set), user_id, ...keyed.values],
  }
}

function deletePart(shape: Shape, write: Extract<Write, { op: 'delete' }>, user_id: string, index: number): Part {
  const keyed = keyCondition(shape, write.key, 2)
  return {
    name: `w${index}`,
    sql: `delete from ${shape.table} t where t.${shape.owner} = $1::uuid${butHidden(shape, 't')} and ${keyed.sql} and exists (select 1 from ack)`,
    values: [user_id, ...keyed.values],
  }
}

/** `t.<key> = $n::<type>` for each key column, placeholders from `first` on. */
export function keyCondition(
  shape: Pick<Shape, 'key' | 'row' | 'table'>,
  key: Record<string, string>,
  first: number,
): { sql: string; values: string[] } {
  const values: string[] = []
  const sql = shape.key
    .map((name, index) => {
      const value = key[name]
      if (value === undefined) throw new AppError('bug', 'server/bug', {}, `key of ${shape.table} lacks ${name}`)
      values.push(value)
      const schema: unknown = Reflect.get(shape.row.properties, name)
      return `t.${name} = $${first + index}::${pgTypeOf(Object(schema))}`
    })
    .join(' and ')
  return { sql, values }
}
