import type { TableColumn } from './table.ts'

/**
 * Value of the `electric-schema` header: each column's type as the client's parser reads it. Modifiers follow
 * Electric: `max_length` for varchar, `length` for char and bit, `precision` and `scale`.
 */
export function schemaHeader(columns: readonly TableColumn[]): string {
  const schema = Object.fromEntries(
    columns.map((column) => [
      column.name,
      {
        type: column.typeName,
        ...(column.dims > 0 && { dims: column.dims }),
        ...(column.notNull && { not_null: true }),
        ...(column.pkIndex !== null && { pk_index: column.pkIndex }),
        ...modifiers(column),
      },
    ]),
  )
  // Header values are bytes in practice Latin-1: names beyond ASCII travel as JSON escapes.
  return JSON.stringify(schema).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function modifiers({ typeName, typmod }: TableColumn): Record<string, number> {
  if (typmod < 0) return {}
  switch (typeName) {
    case 'varchar':
      return { max_length: typmod - 4 }
    case 'bpchar':
      return { length: typmod - 4 }
    case 'numeric':
      // Scale is an 11-bit signed number since PostgreSQL 15 (numeric.c, numeric_typmod_scale).
      return { precision: ((typmod - 4) >> 16) & 0xffff, scale: (((typmod - 4) & 0x7ff) ^ 1024) - 1024 }
    case 'bit':
      return { length: typmod }
    case 'varbit':
      return { max_length: typmod }
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return { precision: typmod }
    default:
      return { type_mod: typmod }
  }
}
