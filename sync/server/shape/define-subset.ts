import { InvalidShape } from './invalid-shape.ts'
import type { RowSelection } from './select-rows.ts'
import type { Table } from './table.ts'
import { emitCondition } from '../where/emit-condition.ts'
import { WhereError } from '../where/lexer.ts'
import { parseCondition } from '../where/parse-condition.ts'
import { parseOrder } from '../where/parse-order.ts'

/** A part of a shape's rows, as a reader asks for it (Electric's `subset__…` parameters). */
export interface SubsetRequest {
  where?: string | undefined
  params: Readonly<Record<string, string>>
  orderBy?: string | undefined
  limit?: number | undefined
  offset?: number | undefined
}

/** Checks a subset against the table. Throws InvalidShape. */
export function defineSubset(table: Table, subset: SubsetRequest): RowSelection {
  const columns = new Set(table.columns.map((column) => column.name))
  const { where, orderBy, params, limit, offset } = subset
  return {
    condition:
      where === undefined ? undefined : read('where', () => emitCondition(parseCondition(where, params, columns))),
    order: orderBy === undefined ? undefined : read('order_by', () => parseOrder(orderBy, columns)),
    limit,
    offset,
  }
}

function read(field: string, parse: () => string): string {
  try {
    return parse()
  } catch (error) {
    if (error instanceof WhereError) throw new InvalidShape('subset', { [field]: [error.message] })
    throw error
  }
}
