import type { Queryable } from '../../kernel/db.ts'
import { prepared, type Part } from '../../kernel/statement.ts'
import type { NewRun } from '../run.repository.ts'
import type { ChainMessage } from './message-chain.ts'

/** `chat`: a hidden chat, which expires after a day. All its rows are hidden: no replica holds them. */
export function apiChatPart(run: NewRun): Part {
  return {
    name: 'chat',
    sql: `insert into chats (id, user_id, agent_id, agent_version_id, title, source, hidden, expires_at)
      values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, 'API', 'api', true, now() + interval '1 day')`,
    values: [run.chat_id, run.user_id, run.agent_id, run.version_id],
  }
}

/** `messages`: what the caller gave, up to the question. */
export function messagesPart(run: NewRun, chain: readonly ChainMessage[]): Part {
  return {
    name: 'messages',
    sql: `insert into chat_messages (id, chat_id, parent_message_id, role, content, user_id, hidden)
      select id, $2::uuid, parent_message_id, role, content, $3::uuid, true
      from jsonb_to_recordset($1::jsonb) as r(id uuid, parent_message_id uuid, role text, content text)`,
    values: [JSON.stringify(chain), run.chat_id, run.user_id],
  }
}

/** `answer`: the message that will hold the answer. */
export function pendingAnswerPart(run: NewRun): Part {
  return {
    name: 'answer',
    sql: `insert into chat_messages (id, chat_id, parent_message_id, role, status, workflow_execution_id, workflow_status, user_id,
        hidden)
      values ($1::uuid, $2::uuid, $3::uuid, 'assistant', 'sending', $4::uuid, 'running', $5::uuid, true)`,
    values: [run.answer_message_id, run.chat_id, run.question_id, run.execution_id, run.user_id],
  }
}

export interface ApiAnswer extends Record<string, unknown> {
  /** `sending` while the run is not over. */
  status: string
  /** How the run ended. */
  workflow_status: string
  content: string
  metadata: {
    tokens_prompt?: number | undefined
    tokens_completion?: number | undefined
    error?: { code: string } | undefined
    cut?: string | undefined
  }
}

/** An answer as its run left it, or as it is until then. */
export async function answerOf(db: Queryable, answer_message_id: string): Promise<ApiAnswer | undefined> {
  const [answer] = await db.query<ApiAnswer>(
    prepared('select content, status, workflow_status, metadata from chat_messages where id = $1', [answer_message_id]),
  )
  return answer
}
