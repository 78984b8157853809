import { nodeTypeRows } from '../../../shared/workflow/nodes/index.ts'
import { freezeDraft, publish, versionPart } from '../../agent/index.ts'
import { OFFICIAL_EMAIL } from '../../identity/index.ts'
import type { Database, Queryable } from '../../kernel/db.ts'
import { compose } from '../../kernel/statement.ts'
import { seedAgents, type SeedAgent } from './agents.ts'
import { seedCategories } from './categories.ts'
import {
  addAgent,
  addCategories,
  addOfficialAccount,
  addReview,
  lockSeeding,
  refreshStatistics,
  upsertNodeTypes,
} from './seed.repository.ts'

const OFFICIAL_ID = '01900000-0000-7000-8000-00000000f001'
/** One seeder at a time, whichever process starts first. */
const LOCK = 7_202_611_221

/**
 * Brings what every installation starts with: node types (updated with each release of Banyan), categories and a few
 * published agents (added once; what an administrator changes afterwards stays).
 */
export async function seed(db: Database): Promise<void> {
  const written = await db.transaction(async (tx) => {
    await lockSeeding(tx, LOCK)
    const catalogue = (await upsertNodeTypes(tx, nodeTypeRows())) + (await addCategories(tx, categoryRows()))
    await addOfficialAccount(tx, OFFICIAL_ID, OFFICIAL_EMAIL)
    for (const agent of seedAgents) await seedAgent(tx, agent)
    return catalogue
  })
  if (written > 0) await refreshStatistics(db)
}

function categoryRows() {
  return seedCategories.map((category, index) => ({ ...category, parent_id: category.parent, sort_order: index }))
}

/** Published in the same way as everybody's agents: frozen, submitted, approved; only the reviewer is the installation. */
async function seedAgent(tx: Queryable, { agent_id, version_id, slug, content, ...release }: SeedAgent): Promise<void> {
  const { name, description } = content
  if (!(await addAgent(tx, { id: agent_id, name, description, developer_id: OFFICIAL_ID, slug }))) return
  const frozen = freezeDraft(content)
  const { version, changelog } = release
  const row = {
    id: version_id,
    agent_id,
    kind: 'release',
    version,
    changelog,
    created_by: OFFICIAL_ID,
    frozen,
  } as const
  await tx.query(compose([versionPart(row)], 'select 1'))
  await addReview(tx, { agent_id, version_id, action: 'submitted', actor_id: OFFICIAL_ID })
  await addReview(tx, { agent_id, version_id, action: 'approved', actor_id: OFFICIAL_ID })
  await publish(tx, agent_id, version_id, frozen.manifest)
}
