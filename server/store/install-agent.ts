import type { AgentInstallRow } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, rowsOf } from '../kernel/statement.ts'
import { countedPart, installPart, publishedPart } from './install.repository.ts'

/**
 * Installs the agent's current version for the person, or moves an install to it. The row carries all that their
 * replica learns of the agent: name, icon, manifest, version id; no prompt, no definition.
 */
export async function installAgent(db: Database, { user_id }: Actor, agent_id: string): Promise<AgentInstallRow> {
  const installed = auditPart(
    { actor_id: user_id, action: 'store.install', object_type: 'agent', object_id: agent_id },
    'install',
  )
  const parts = [publishedPart(agent_id, user_id), installPart(user_id), countedPart(), installed]
  const [row] = await db.query<AgentInstallRow & Record<string, unknown>>(compose(parts, rowsOf('install')))
  if (!row) throw userError('store/not-published')
  return row
}
