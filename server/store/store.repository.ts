import type { Manifest } from '../../shared/agent/rows.ts'
import type { Category, StoreAgent } from '../../shared/store/api.ts'
import { queryTerms } from '../../shared/kernel/search-text.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared } from '../kernel/statement.ts'

/** Agents of one page of results. */
const PAGE = 24

interface StoreRow extends StoreAgent, Record<string, unknown> {
  id: string
}

/** Columns of a published agent that everybody may see. `$1` is the person, for `installed`. */
const AGENT = `a.id, a.slug, a.name, coalesce(a.description, '') as description, a.icon, a.listing, a.category_id, a.tags,
  u.name as developer_name, v.version, v.id as version_id, a.download_count, a.average_rating, a.rating_count, a.published_at,
  exists (select 1 from agent_installs i where i.agent_id = a.id and i.user_id = $1::uuid and i.removed_at is null) as installed`
const FROM = `from agents a join users u on u.id = a.developer_id
  join agent_versions v on v.agent_id = a.id and v.is_current
  where a.status = 'published' and a.deleted_at is null`

const ORDER = {
  popular: 'a.download_count desc, a.average_rating desc nulls last, a.published_at desc, a.id',
  rating: 'a.average_rating desc nulls last, a.rating_count desc, a.download_count desc, a.id',
  new: 'a.published_at desc, a.id',
} as const

export interface StoreSearch {
  q?: string | undefined
  category?: string | undefined
  sort: keyof typeof ORDER
  offset: number
}

const IN_CATEGORY = `a.category_id in (
  with recursive tree as (
    select id from agent_categories where id = $n::uuid
    union all select c.id from agent_categories c join tree on c.parent_id = tree.id)
  select id from tree)`

/** Published agents that match every term of the search, in the category or below it. */
export async function searchStore(
  db: Queryable,
  user_id: string,
  search: StoreSearch,
): Promise<{ agents: StoreAgent[]; total: number }> {
  const query = tsquery(search.q ?? '')
  if (query === undefined) return { agents: [], total: 0 }
  const category = search.category
  // Only what is asked for stands in the text: a condition that may be off keeps the planner from using its index.
  const conditions = [
    query === '' ? undefined : { sql: 'a.search @@ $n::tsquery', value: query },
    category === undefined ? undefined : { sql: IN_CATEGORY, value: category },
  ].filter((condition) => condition !== undefined)
  const where = conditions.map(({ sql }, index) => `and ${sql.replaceAll('$n', `$${index + 3}`)}`).join(' ')
  const values = conditions.map(({ value }) => value)
  // The page first and the count apart: counting in the same breath would join and sort all that match.
  const agents = await db.query<StoreRow>(
    prepared(`select ${AGENT} ${FROM} ${where} order by ${ORDER[search.sort]} limit ${PAGE} offset $2::int`, [
      user_id,
      search.offset,
      ...values,
    ]),
  )
  if (search.offset === 0 && agents.length < PAGE) return { agents, total: agents.length }
  const [count] = await db.query<{ total: number }>(
    prepared(
      `select count(*)::int as total from agents a
       where a.status = 'published' and a.deleted_at is null and $1::uuid is not null and $2::int is not null ${where}`,
      [user_id, search.offset, ...values],
    ),
  )
  return { agents, total: count?.total ?? 0 }
}

/** `'' ` for no search, undefined when nothing of the text can match (punctuation only). */
function tsquery(text: string): string | undefined {
  if (text.trim() === '') return ''
  const terms = queryTerms(text)
  if (terms.length === 0) return undefined
  // Terms are letters and digits only, so quoting is enough.
  return terms.map(({ term, prefix }) => `'${term}'${prefix ? ':*' : ''}`).join(' & ')
}

export async function storeAgentBySlug(db: Queryable, user_id: string, slug: string): Promise<StoreRow | undefined> {
  const [row] = await db.query<StoreRow>(prepared(`select ${AGENT} ${FROM} and a.slug = $2`, [user_id, slug]))
  return row
}

export interface ApprovedVersion extends Record<string, unknown> {
  version: string
  changelog: string | null
  published_at: string
  manifest: Manifest
  is_current: boolean
}

/** Versions that were approved, the latest first; at most 50. */
export function approvedVersions(db: Queryable, agent_id: string): Promise<ApprovedVersion[]> {
  return db.query<ApprovedVersion>(
    prepared(
      `select v.version, v.changelog, r.created_at as published_at, v.manifest, v.is_current
       from agent_versions v join agent_reviews r on r.agent_version_id = v.id and r.action = 'approved'
       where v.agent_id = $1 and v.kind = 'release' order by r.created_at desc limit 50`,
      [agent_id],
    ),
  )
}

/** Whether the person has ever run the agent, and whether they made it. */
export async function standingOf(
  db: Queryable,
  user_id: string,
  agent_id: string,
): Promise<{ used: boolean; own: boolean }> {
  const [row] = await db.query<{ used: boolean; own: boolean }>(
    prepared(
      `select exists (select 1 from agent_usages where agent_id = a.id and user_id = $2) as used,
         developer_id = $2 as own
       from agents a where id = $1`,
      [agent_id, user_id],
    ),
  )
  return row ?? { used: false, own: false }
}

export async function categories(db: Queryable): Promise<Category[]> {
  return db.query<Category & Record<string, unknown>>(
    prepared(
      `with recursive tree as (
         select id as root, id from agent_categories
         union all select tree.root, c.id from agent_categories c join tree on c.parent_id = tree.id)
       select c.id, c.parent_id, coalesce(c.slug, c.id::text) as slug, c.name, coalesce(c.name_en, c.name) as name_en,
         (select count(*)::int from agents a join tree on tree.id = a.category_id
           where tree.root = c.id and a.status = 'published' and a.deleted_at is null) as agents
       from agent_categories c order by c.sort_order, c.name`,
      [],
    ),
  )
}
