import { AppError } from '../../../shared/kernel/errors.ts'
import { rowKeyText, type Reader, type Row, type RowKey } from '../../../shared/kernel/mutator.ts'
import { prepared, type Statement } from '../../../server/kernel/statement.ts'
import { butHidden, shapeOfTable } from '../../protocol/shapes.ts'
import { keyCondition } from './write-parts.ts'

/** What one read statement learns: the device's ack, the rows a mutator named, and what its hook asked for. */
export interface ReadResult {
  ack: { last_seq: number; user_id: string } | null
  /** The ledger knows this mutation under an earlier place in the outbox. */
  decided: boolean
  authority: unknown
  reader: Reader
}

/**
 * One statement that reads everything a mutation needs. Rows of other people are not found. With `lock`, the rows
 * stay locked until the transaction ends.
 */
export function readStatement(options: {
  device_id: string
  user_id: string
  mutation_id: string
  keys: readonly RowKey[]
  authority?: { sql: string; values: unknown[] } | undefined
  lock: boolean
}): Statement {
  const values: unknown[] = [options.device_id, options.user_id, options.mutation_id]
  const columns = [
    "(select jsonb_build_object('last_seq', last_seq, 'user_id', user_id) from acks where device_id = $1::uuid) as ack",
    'exists (select 1 from mutation_ledger where mutation_id = $3::uuid and user_id = $2::uuid) as decided',
  ]
  options.keys.forEach(({ table, key }, index) => {
    const shape = shapeOfTable(table)
    if (!shape) throw new AppError('bug', 'server/bug', {}, `a mutator read ${table}, which does not sync`)
    const condition = keyCondition(shape, key, values.length + 1)
    values.push(...condition.values)
    const lock = options.lock ? ' for no key update' : ''
    columns.push(
      `(select to_jsonb(x) from (select * from ${table} t where ${condition.sql} and t.${shape.owner} = $2::uuid${butHidden(shape, 't')}${lock}) x) as r${index}`,
    )
  })
  if (options.authority) {
    const shift = values.length
    values.push(...options.authority.values)
    columns.push(
      `(${options.authority.sql.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + shift}`)}) as authority`,
    )
  }
  return prepared(`select ${columns.join(',\n')}`, values)
}

export function readResult(keys: readonly RowKey[], row: Row | undefined): ReadResult {
  const found = new Map<string, Row>()
  keys.forEach(({ table, key }, index) => {
    const value = row?.[`r${index}`]
    if (isRow(value)) found.set(rowKeyText(table, key), value)
  })
  const ack = row?.['ack']
  return {
    ack: isRow(ack) ? { last_seq: Number(ack['last_seq']), user_id: String(ack['user_id']) } : null,
    decided: row?.['decided'] === true,
    authority: row?.['authority'] ?? null,
    reader: { get: (table, key) => found.get(rowKeyText(table, key)) },
  }
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
