import { freezeDraft, publish } from '../../agent/index.ts'
import { OFFICIAL_EMAIL } from '../../identity/index.ts'
import type { Database, Queryable } from '../../kernel/db.ts'
import { nodeTypeRows } from '../../../shared/workflow/nodes/index.ts'
import { seedAgents, type SeedAgent } from './agents.ts'
import { seedCategories } from './categories.ts'

const OFFICIAL_ID = '01900000-0000-7000-8000-00000000f001'
/** One seeder at a time, whichever process starts first. */
const LOCK = 7_202_611_221

/**
 * Brings what every installation starts with: node types (updated with each release of Banyan), categories and a few
 * published agents (added once; what an administrator changes afterwards stays).
 */
export async function seed(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(${LOCK})`)
    await seedNodeTypes(tx)
    await seedCategoryRows(tx)
    await tx.query(
      `insert into users (id, name, email, roles, disabled_at) values ($1, 'Banyan', $2, '{user,developer}', now()) on conflict do nothing`,
      [OFFICIAL_ID, OFFICIAL_EMAIL],
    )
    for (const agent of seedAgents) await seedAgent(tx, agent)
  })
  // Statements prepared on empty tables keep bad plans.
  await db.query('analyze')
}

async function seedNodeTypes(tx: Queryable): Promise<void> {
  await tx.query(
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
          excluded.default_config)`,
    [JSON.stringify(nodeTypeRows())],
  )
}

async function seedCategoryRows(tx: Queryable): Promise<void> {
  const rows = seedCategories.map((category, index) => ({ ...category, parent_id: category.parent, sort_order: index }))
  await tx.query(
    `insert into agent_categories (id, name, name_en, parent_id, slug, sort_order)
      select id, name, name_en, parent_id, slug, sort_order
      from jsonb_to_recordset($1::jsonb) as r(id uuid, name text, name_en text, parent_id uuid, slug text, sort_order int)
      on conflict do nothing`,
    [JSON.stringify(rows)],
  )
}

/** Published in the same way as everybody's agents: frozen, submitted, approved; only the reviewer is the installation. */
async function seedAgent(tx: Queryable, agent: SeedAgent): Promise<void> {
  const frozen = freezeDraft(agent.content)
  const added = await tx.query(
    `insert into agents (id, name, description, developer_id, slug) values ($1, $2, $3, $4, $5) on conflict do nothing returning id`,
    [agent.agent_id, agent.content.name, agent.content.description, OFFICIAL_ID, agent.slug],
  )
  if (added.length === 0) return
  await tx.query(
    `insert into agent_versions (id, agent_id, version, kind, content_hash, workflow_definition, system_prompt,
        model_params_override, service_dependencies, manifest, changelog, created_by)
      values ($1, $2, $3, 'release', $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      agent.version_id,
      agent.agent_id,
      agent.version,
      frozen.content_hash,
      JSON.stringify(frozen.workflow_definition),
      frozen.system_prompt,
      JSON.stringify(frozen.model_params_override),
      JSON.stringify(frozen.service_dependencies),
      JSON.stringify(frozen.manifest),
      agent.changelog,
      OFFICIAL_ID,
    ],
  )
  for (const action of ['submitted', 'approved']) {
    await tx.query(
      `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id, created_at)
        values (gen_random_uuid(), $1, $2, $3, $4, clock_timestamp())`,
      [agent.agent_id, agent.version_id, action, OFFICIAL_ID],
    )
  }
  await publish(tx, agent.agent_id, agent.version_id, frozen.manifest)
}
