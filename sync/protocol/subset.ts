/**
 * Reading rows of a shape apart from its log, where a replica holds a part of them (`log=changes_only`).
 *
 * Asked by `GET /api/sync/shapes/<shape>` (or a poll on the socket) with
 *
 *   log=changes_only
 *   offset, handle   where the replica's log stands; `offset=now` alone when it has none yet
 *   subset           a name in the shape's `subsets.by`
 *   value            what that subset compares with: an id, or a time in ISO 8601
 *   limit            rows, 1 to SUBSET_ROWS; SUBSET_ROWS when absent. Newest first, by `subsets.order`
 *   before           only rows whose `subsets.order` is less: the least one of the page before
 *
 * and answered with SubsetAnswer; the headers `electric-handle` and `electric-offset` say where the log goes on (for
 * who had a place, the same as before). A page shorter than its limit is the last. 409 as for any read: fetch anew.
 *
 * Rows and log meet without a gap when the replica, from asking until the rows are applied, applies nothing of this
 * shape's log; and afterwards leaves out changes of rows in `data` whose `txids` the snapshot already sees
 * (`isVisible` in sync/core). Changes of rows that a replica does not hold are told too, and are to be ignored.
 */
export interface SubsetDefinition {
  /** Column that `value` is compared with. */
  readonly column: string
  readonly compare: '=' | '>='
  readonly value: 'uuid' | 'time'
}

export interface Subsets {
  /** A column of rising numbers, never the same in two rows of a shape. */
  readonly order: string
  readonly by: Readonly<Record<string, SubsetDefinition>>
}

/** Rows in one answer. */
export const SUBSET_ROWS = 1000

export interface SubsetAnswer {
  metadata: {
    /** 64-bit transaction ids, decimal. */
    xmin: string
    xmax: string
    xip_list: string[]
    snapshot_mark: number
    /** LSN, decimal: all that the rows hold committed before it. */
    database_lsn: string
  }
  /** Inserts, as a full log begins with. */
  data: { key: string; value: Record<string, string | null>; headers: Record<string, unknown> }[]
}

const VALUES = {
  uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/,
} as const

/** A subset as a condition over `$n`, and its order; never a text of the client's among the SQL. */
export interface SubsetQuery {
  where: string
  params: Record<string, string>
  order: string
  limit: number
}

export type ParsedSubsetQuery = { query: SubsetQuery | undefined } | { wrong: string[] }

/** What the parameters ask for; `wrong` names those that cannot be read. Undefined when no subset is asked for. */
export function parseSubsetQuery(
  subsets: Subsets | undefined,
  parameters: Readonly<Record<string, string>>,
): ParsedSubsetQuery {
  const { subset, value = '', limit = String(SUBSET_ROWS), before } = parameters
  if (subset === undefined) return { query: undefined }
  const chosen = subsets && Object.hasOwn(subsets.by, subset) ? subsets.by[subset] : undefined
  if (!subsets || !chosen) return { wrong: ['subset'] }
  const wellFormed = {
    value: VALUES[chosen.value].test(value),
    limit: /^[1-9]\d{0,5}$/.test(limit) && Number(limit) <= SUBSET_ROWS,
    before: /^\d{1,18}$/.test(before ?? '0'),
    log: parameters['log'] === 'changes_only',
  }
  const wrong = Object.entries(wellFormed).flatMap(([name, fine]) => (fine ? [] : [name]))
  if (wrong.length > 0) return { wrong }
  const first = `"${chosen.column}" ${chosen.compare} $1`
  return {
    query: {
      where: before === undefined ? first : `${first} AND "${subsets.order}" < $2`,
      params: { 1: value, ...(before !== undefined && { 2: before }) },
      order: `"${subsets.order}" DESC`,
      limit: Number(limit),
    },
  }
}
