import type { Role } from '../../shared/identity/permissions.ts'
import { mayDo } from '../../shared/identity/permissions.ts'
import type { ChatRow } from '../../shared/chat/rows.ts'

/** What must be known of a version to say who may run it. */
export interface RunnableVersion {
  id: string
  kind: 'draft' | 'release'
  created_by: string | null
  developer_id: string
  /** Last review action; null for drafts and versions never submitted. */
  state: string | null
  agent_status: string
}

export interface RunRequest {
  user_id: string
  roles: readonly Role[]
  source: ChatRow['source']
  /** A chat that exists keeps its locked version when the agent is archived. */
  new_chat: boolean
}

/**
 * Who may run a version, wherever the run comes from (page, push, socket, API):
 * an approved release of an agent in the store, anybody; an approved release that was archived, those who have a chat
 * with it; anything else its author; a submitted release also a reviewer, in the review's sandboxed chat only.
 */
export function mayRun(version: RunnableVersion, request: RunRequest): boolean {
  if (version.developer_id === request.user_id && version.created_by === request.user_id)
    return request.source !== 'review'
  if (version.kind === 'draft') return false
  if (request.source === 'review') return version.state !== null && mayDo(request.roles, 'review:try')
  if (version.state !== 'approved') return false
  return version.agent_status === 'published' || !request.new_chat
}
