import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared } from '../kernel/statement.ts'

/** The agent's draft, locked, so that it is frozen as it was read. */
export async function lockDraft(tx: Queryable, agent_id: string): Promise<AgentDraftRow | undefined> {
  const [draft] = await tx.query<AgentDraftRow & Record<string, unknown>>(
    prepared('select * from agent_drafts where agent_id = $1 and deleted_at is null for update', [agent_id]),
  )
  return draft
}
