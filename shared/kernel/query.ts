import type { Static, TObject } from 'typebox'

/**
 * A named query: the only way the interface reads. The same SQL runs over the replica's views in the browser and,
 * scoped to the session's user, over the server's tables (`POST /api/query/:name`).
 *
 * Rules: it reads views `v_<table>` only, starts with `select`, uses `$1…$n` in the order of `bind`, and is cheap
 * when its parameters are.
 */
export interface NamedQuery<P extends TObject = TObject, Row = unknown> {
  readonly name: string
  readonly params: P
  readonly sql: string
  /** Synced tables the query reads; the replica re-runs it when one of them changes. */
  readonly tables: readonly string[]
  readonly bind: (params: Static<P>) => unknown[]
  /** Carries the row type; never read. */
  readonly row?: Row
}

export function namedQuery<Row>() {
  return <const P extends TObject>(definition: {
    name: string
    params: P
    sql: string
    bind?: (params: Static<P>) => unknown[]
  }): NamedQuery<P, Row> => {
    const tables = [...new Set([...definition.sql.matchAll(/\bv_([a-z_]+)/g)].map((match) => match[1] ?? ''))]
    return { bind: () => [], ...definition, tables }
  }
}

export type QueryParams<Q> = Q extends NamedQuery<infer P, unknown> ? Static<P> : never
export type QueryRow<Q> = Q extends NamedQuery<TObject, infer Row> ? Row : never
