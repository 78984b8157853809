import type { ErrorCode, ErrorParams } from '../../shared/kernel/errors.ts'
import type { Part } from '../kernel/statement.ts'

/** An earlier message on the way from the root of the tree to the question. */
export interface HistoryMessage {
  id: string
  role: 'user' | 'assistant' | 'system'
  content: string
}

/** Where a run's end goes. */
export interface RunTarget {
  execution_id: string
  chat_id: string
  user_id: string
  /** The message that receives the answer. */
  answer_message_id: string
  /** Of a hidden chat: no device may see it. */
  hidden: boolean
}

/** What a run needs to know, loaded fresh for every attempt. */
export interface RunInput extends RunTarget {
  agent_version_id: string
  /** The question. */
  message_id: string
  text: string
  /** Oldest first, within the version's token budget. */
  history: HistoryMessage[]
}

/** What runs: never changes for an id, so it is asked for once. */
export interface RunVersion {
  agent_version_id: string
  /** A `WorkflowDefinition`, not yet validated. */
  workflow_definition: unknown
  system_prompt: string | null
  /** `ModelParams` of the agent; null when it has none. */
  model_params: unknown
}

export type RunEndStatus = 'completed' | 'failed' | 'cancelled'

export interface RunError {
  code: ErrorCode
  params?: ErrorParams | undefined
}

/** How a run ended: what its answer message shows from now on. */
export interface RunOutcome {
  execution_id: string
  chat_id: string
  user_id: string
  answer_message_id: string
  status: RunEndStatus
  /** The answer, or as much of it as there is. */
  text: string
  /** `chat_messages.metadata`. */
  metadata: {
    error?: RunError | undefined
    model?: string | undefined
    demo?: boolean | undefined
    cut?: 'size' | 'length' | undefined
    tokens_prompt?: number | undefined
    tokens_completion?: number | undefined
    cost?: number | undefined
    duration_ms?: number | undefined
  }
}

/** What the chat module does for runs. It sits above this module, so `compose.ts` hands it in. */
export interface ConversationPort {
  /** One statement for all; an execution that is gone is left out. */
  load(execution_ids: readonly string[]): Promise<RunInput[]>
  version(agent_version_id: string): Promise<RunVersion | undefined>
  /**
   * Parts of the end statement. They read the CTE `ended (execution_id, user_id)`, which is empty when this worker has
   * lost the run, and must then write nothing. Names start with `chat_`.
   */
  finish(outcome: RunOutcome): Part[]
}
