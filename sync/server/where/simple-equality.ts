import type { TableColumn } from '../shape/table.ts'
import type { ShapeFilter } from '../shape/filter.ts'
import type { Condition, Operand } from './condition.ts'

const INTEGERS: Readonly<Record<number, bigint>> = { 21: 1n << 15n, 23: 1n << 31n, 20: 1n << 63n }
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Equality = Extract<ShapeFilter, { kind: 'equals' }>

/**
 * `column = constant`, or that `and not flag`, as a hash filter, when equal values of the column's type have one
 * spelling; else undefined.
 */
export function simpleEquality(condition: Condition, columns: readonly TableColumn[]): Equality | undefined {
  if (condition.op !== 'and') return equality(condition, columns)
  const [first, second, ...more] = condition.args
  const but = second && flagOf(second, columns)
  const equal = first && equality(first, columns)
  return equal && but !== undefined && more.length === 0 ? { ...equal, but } : undefined
}

/** The column of `not column`, when it is a boolean that is never null. */
function flagOf(condition: Condition, columns: readonly TableColumn[]): string | undefined {
  if (condition.op !== 'not' || condition.arg.op !== 'holds' || condition.arg.operand.op !== 'column') return undefined
  const { name } = condition.arg.operand
  const column = columns.find((candidate) => candidate.name === name)
  return column?.typeName === 'bool' && column.dims === 0 && column.notNull ? name : undefined
}

function equality(condition: Condition, columns: readonly TableColumn[]): Equality | undefined {
  if (condition.op !== 'compare' || condition.operator !== '=') return undefined
  const [named, constant] =
    condition.left.op === 'column' ? [condition.left, condition.right] : [condition.right, condition.left]
  const column = named.op === 'column' ? columns.find((candidate) => candidate.name === named.name) : undefined
  const value = column && canonical(column, constant)
  return column && value !== undefined ? { kind: 'equals', column: column.name, value } : undefined
}

/** The constant as Postgres prints a value of this column, or undefined when that is not certain. */
function canonical(column: TableColumn, constant: Operand): string | undefined {
  if (column.dims > 0 || !column.deterministic) return undefined
  if (constant.op === 'boolean') return column.typeName === 'bool' ? (constant.value ? 't' : 'f') : undefined
  if (constant.op !== 'text' && constant.op !== 'number') return undefined
  const limit = INTEGERS[column.typeOid]
  if (limit !== undefined) return integer(constant.text, limit)
  if (constant.op === 'number') return undefined
  if (column.typeName === 'uuid') {
    const text = constant.text.toLowerCase()
    return UUID.test(text) ? text : undefined
  }
  return column.typeName === 'text' || column.typeName === 'varchar' ? constant.text : undefined
}

function integer(text: string, limit: bigint): string | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text)
  return value >= -limit && value < limit ? String(value) : undefined
}
