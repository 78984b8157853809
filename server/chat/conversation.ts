import type { Database } from '../kernel/db.ts'
import type { ConversationPort } from '../workflow/index.ts'
import { answerPart, runInputs, runVersion } from './conversation.repository.ts'

/** What a run needs of its chat, and what it leaves there. */
export function createConversation(db: Database): ConversationPort {
  return {
    load: (execution_ids) => runInputs(db, execution_ids),
    version: (agent_version_id) => runVersion(db, agent_version_id),
    finish: (outcome) => [answerPart(outcome)],
  }
}
