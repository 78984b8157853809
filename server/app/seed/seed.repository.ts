import { newId } from '../../../shared/kernel/id.ts'
import type { Queryable } from '../../kernel/db.ts'

/** Waits for the right to seed, kept until the transaction ends. */
export async function lockSeeding(tx: Queryable, lock: number): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [lock])
}

/**
 * Statistics of the catalogue. Only of these two tables: they stay as small as they are now. A table that is analysed
 * while it is empty counts as empty afterwards, so its foreign keys are checked by sequential scans, and plans made
 * then are kept by every connection while it grows.
 */
export async function refreshStatistics(db: Queryable): Promise<void> {
  await db.query('analyze node_types, agent_categories')
}

/** Adds node types, and brings those that are there up to date. Says how many rows it wrote. */
export async function upsertNodeTypes(tx: Queryable, rows: readonly object[]): Promise<number> {
  const written = await tx.query(
    `insert into node_types (id, type_name, display_name, description, input_schema, output_schema, required_services, default_config,
        category, tags)
      select id, type_name, display_name, description, input_schema, output_schema, required_services, default_config, category, tags
      from jsonb_to_recordset($1::jsonb) as r(id uuid, type_name text, display_name text, description text, input_schema jsonb,
        output_schema jsonb, required_services text[], default_config jsonb, category text, tags text[])
      on conflict (type_name) do update set display_name = excluded.display_name, description = excluded.description,
        input_schema = excluded.input_schema, output_schema = excluded.output_schema,
        required_services = excluded.required_services, default_config = excluded.default_config,
        category = excluded.category, tags = excluded.tags, updated_at = now()
      where (node_types.display_name, node_types.description, node_types.input_schema, node_types.output_schema,
          node_types.default_config)
        is distinct from (excluded.display_name, excluded.description, excluded.input_schema, excluded.output_schema,
          excluded.default_config)
      returning 1`,
    [JSON.stringify(rows)],
  )
  return written.length
}

/** Adds categories that are not there yet; says how many. */
export async function addCategories(tx: Queryable, rows: readonly object[]): Promise<number> {
  const added = await tx.query(
    `insert into agent_categories (id, name, name_en, parent_id, slug, sort_order)
      select id, name, name_en, parent_id, slug, sort_order
      from jsonb_to_recordset($1::jsonb) as r(id uuid, name text, name_en text, parent_id uuid, slug text, sort_order int)
      on conflict do nothing returning 1`,
    [JSON.stringify(rows)],
  )
  return added.length
}

/** Adds the account of seeded agents: disabled, so that nobody signs in as it. */
export async function addOfficialAccount(tx: Queryable, id: string, email: string): Promise<void> {
  await tx.query(
    `insert into users (id, name, email, roles, disabled_at) values ($1, 'Banyan', $2, '{user,developer}', now())
      on conflict do nothing`,
    [id, email],
  )
}

export interface NewAgent {
  id: string
  name: string
  description: string
  developer_id: string
  slug: string
}

/** Adds an agent unless it is there; says whether it was added. */
export async function addAgent(tx: Queryable, agent: NewAgent): Promise<boolean> {
  const added = await tx.query(
    `insert into agents (id, name, description, developer_id, slug) values ($1, $2, $3, $4, $5)
      on conflict do nothing returning id`,
    [agent.id, agent.name, agent.description, agent.developer_id, agent.slug],
  )
  return added.length > 0
}

/** One line in a version's reviews, at the wall clock's time: the order must show within one transaction. */
export async function addReview(
  tx: Queryable,
  review: { agent_id: string; version_id: string; action: 'submitted' | 'approved'; actor_id: string },
): Promise<void> {
  await tx.query(
    `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id, created_at)
      values ($1, $2, $3, $4, $5, clock_timestamp())`,
    [newId(), review.agent_id, review.version_id, review.action, review.actor_id],
  )
}
