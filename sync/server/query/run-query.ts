import { userError } from '../../../shared/kernel/errors.ts'
import type { NamedQuery } from '../../../shared/kernel/query.ts'
import type { Queryable, Row } from '../../../server/kernel/db.ts'
import { prepared, type Statement } from '../../../server/kernel/statement.ts'
import { requireValid } from '../../../server/kernel/validate.ts'
import { butHidden, shapeColumns, shapeOfTable } from '../../protocol/shapes.ts'

/**
 * The server's twin of a replica query: the same SQL, with each view `v_<table>` as a CTE over the table, scoped to
 * the person and to the columns that a replica would hold.
 */
export function scopedStatement(query: NamedQuery, values: unknown[], user_id: string): Statement {
  const user = `$${values.length + 1}::uuid`
  const views = query.tables.map((table) => {
    const shape = shapeOfTable(table)
    if (!shape) throw userError('sync/unknown-query', { name: query.name })
    return `v_${table} as not materialized (select ${shapeColumns(shape).join(', ')} from ${table} t where ${shape.owner} = ${user}${butHidden(shape, 't')})`
  })
  return prepared(`with ${views.join(', ')}\n${query.sql}`, [...values, user_id])
}

/** Answers `POST /api/query/:name`. */
export async function runNamedQuery(
  deps: { db: Queryable; queries: Readonly<Record<string, NamedQuery>> },
  actor: { user_id: string },
  name: string,
  params: unknown,
): Promise<{ rows: Row[] }> {
  const query = Object.hasOwn(deps.queries, name) ? deps.queries[name] : undefined
  if (!query) throw userError('sync/unknown-query', { name: name.slice(0, 64) })
  const given = typeof params === 'object' && params !== null ? params : {}
  requireValid(query.params, given, 'params')
  // Checked against the schema the parameter type comes from.
  const values = query.bind(given as Parameters<typeof query.bind>[0])
  return { rows: await deps.db.query(scopedStatement(query, values, actor.user_id)) }
}
