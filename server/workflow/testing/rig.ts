import { newId } from '../../../shared/kernel/id.ts'
import { promptOnlyWorkflow, type WorkflowDefinition } from '../../../shared/workflow/graph.ts'
import type { ServerFrame } from '../../../sync/protocol/socket.ts'
import { OpenAiCompatible, type ModelProvider, type ModelProviders } from '../../config/index.ts'
import { createLog } from '../../kernel/log.ts'
import { openDatabase, type Database } from '../../kernel/db.ts'
import type { ConversationPort } from '../ports.ts'
import type { Lease, Worker, WorkerLimits } from '../worker-contract.ts'
import { createWorker } from '../worker.ts'
import { tableConversation } from './conversation.ts'

export const log = createLog(process.env['BANYAN_TEST_LOG'] ?? 'silent')

export const fixedModels = (provider: ModelProvider): ModelProviders => ({
  current: () => provider,
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
})

/** Longer than a busy machine takes, shorter than a test. */
const PATIENCE = { connect: 5_000, first: 8_000, idle: 5_000 }
/** For tests of models that fall silent. */
export const IMPATIENCE = { connect: 500, first: 400, idle: 300 }

export const modelAt = (base_url: string, patience = PATIENCE): ModelProvider =>
  new OpenAiCompatible({
    kind: 'openai',
    base_url,
    default_model: 'mock',
    retry_ms: 10,
    patience,
  })

/** A statement as the worker sent it. */
export interface Sent {
  text: string
}

/** The database, counting what goes through it. */
export function countingDatabase(url: string, sent: Sent[], size = 6): Database {
  const db = openDatabase({ url, size, name: 'test', log })
  return {
    ...db,
    query: (statement, values) => {
      sent.push({ text: typeof statement === 'string' ? statement : statement.text })
      return db.query(statement, values)
    },
    transaction: (work) => {
      sent.push({ text: 'begin' })
      return db.transaction(work)
    },
  }
}

/** A database that can fall silent, as a frozen process or a cut cable does: statements wait until it is thawed. */
export function freezable(db: Database): { db: Database; freeze(): void; thaw(): void } {
  let frozen: Promise<void> | undefined
  let melt = (): void => undefined
  return {
    db: {
      ...db,
      query: async (statement, values) => {
        await frozen
        return db.query(statement, values)
      },
      transaction: async (work) => {
        await frozen
        return db.transaction(work)
      },
    },
    freeze: () => (frozen = new Promise((resolve) => (melt = resolve))),
    thaw: () => {
      frozen = undefined
      melt()
    },
  }
}

export interface TestWorker {
  worker: Worker
  frames: (ServerFrame & { user_id: string })[]
  /** Text that a socket would have shown for a run. */
  seen(execution_id: string): string
}

export function testWorker(
  db: Database,
  provider: ModelProvider,
  more: { lease_ms?: number; limits?: Partial<WorkerLimits>; conversation?: ConversationPort } = {},
): TestWorker {
  const frames: TestWorker['frames'] = []
  const worker = createWorker({
    db,
    log,
    lease_ms: more.lease_ms ?? 3_000,
    models: fixedModels(provider),
    emit: (user_id, frame) => frames.push({ ...frame, user_id }),
    conversation: more.conversation ?? tableConversation(db),
    limits: { grace_ms: 300, ...more.limits },
  })
  const seen = (execution_id: string): string =>
    frames.reduce((text, frame) => {
      if (frame.t === 'run.snapshot' && frame.run === execution_id) return frame.text
      return frame.t === 'run.text' && frame.run === execution_id ? text + frame.text : text
    }, '')
  return { worker, frames, seen }
}

export interface Agent {
  user_id: string
  agent_id: string
  agent_version_id: string
}

export async function newUser(db: Database): Promise<string> {
  const id = newId()
  await db.query('insert into users (id, name, email) values ($1, $2, $3)', [id, 'Test', `${id}@example.test`])
  return id
}

export async function newAgent(
  db: Database,
  definition: WorkflowDefinition = promptOnlyWorkflow(),
  more: { system_prompt?: string; model_params?: unknown; user_id?: string } = {},
): Promise<Agent> {
  const user_id = more.user_id ?? (await newUser(db))
  const agent_id = newId()
  const agent_version_id = newId()
  await db.query('insert into agents (id, name, developer_id, slug) values ($1, $2, $3, $4)', [
    agent_id,
    'Agent',
    user_id,
    `a-${agent_id}`,
  ])
  await db.query(
    `insert into agent_versions (id, agent_id, version, workflow_definition, system_prompt, model_params_override, content_hash, created_by)
      values ($1, $2, '1', $3, $4, $5, $6, $7)`,
    [
      agent_version_id,
      agent_id,
      JSON.stringify(definition),
      more.system_prompt ?? null,
      JSON.stringify(more.model_params ?? null),
      agent_version_id,
      user_id,
    ],
  )
  return { user_id, agent_id, agent_version_id }
}

export async function newChat(db: Database, agent: Agent, user_id = agent.user_id): Promise<string> {
  const id = newId()
  await db.query('insert into chats (id, user_id, agent_id, agent_version_id) values ($1, $2, $3, $4)', [
    id,
    user_id,
    agent.agent_id,
    agent.agent_version_id,
  ])
  return id
}

export interface Turn {
  execution_id: string
  chat_id: string
  user_id: string
  question_id: string
  answer_id: string
}

/** What a push writes: question, answer, execution, queue row. */
export async function ask(
  db: Database,
  agent: Agent,
  chat_id: string,
  text: string,
  more: { parent?: string; lease?: Lease | undefined; blocked_by?: string; user_id?: string } = {},
): Promise<Turn> {
  const turn = {
    execution_id: newId(),
    chat_id,
    user_id: more.user_id ?? agent.user_id,
    question_id: newId(),
    answer_id: newId(),
  }
  await db.transaction(async (tx) => {
    await tx.query(
      `insert into chat_messages (id, chat_id, parent_message_id, role, content, user_id) values ($1, $2, $3, 'user', $4, $5)`,
      [turn.question_id, chat_id, more.parent ?? null, text, turn.user_id],
    )
    await tx.query(
      `insert into chat_messages (id, chat_id, parent_message_id, role, status, workflow_status, workflow_execution_id, user_id)
        values ($1, $2, $3, 'assistant', 'sending', 'queued', $4, $5)`,
      [turn.answer_id, chat_id, turn.question_id, turn.execution_id, turn.user_id],
    )
    await tx.query(
      `insert into workflow_executions (execution_id, chat_id, message_id, agent_version_id, thread_id, status, user_id, answer_message_id)
        values ($1, $2, $3, $4, $5, 'queued', $6, $7)`,
      [
        turn.execution_id,
        chat_id,
        turn.question_id,
        agent.agent_version_id,
        `chat_${chat_id}:${turn.execution_id}`,
        turn.user_id,
        turn.answer_id,
      ],
    )
    await tx.query(
      `insert into run_queue (execution_id, user_id, lease_owner, lease_until, attempt, blocked_by)
        values ($1, $2, $3, now() + $4::int * interval '1 ms', $5, $6)`,
      [
        turn.execution_id,
        turn.user_id,
        more.lease?.owner ?? null,
        more.lease?.lease_ms ?? null,
        more.lease?.attempt ?? 0,
        more.blocked_by ?? null,
      ],
    )
  })
  return turn
}

export interface Answer extends Record<string, unknown> {
  content: string
  status: string
  workflow_status: string
  metadata: {
    error?: { code: string; params?: Record<string, unknown> }
    demo?: boolean
    model?: string
    tokens_prompt?: number
    tokens_completion?: number
    duration_ms?: number
  }
  execution_status: string
  attempt: number
  queued: boolean
}

export async function answerOf(db: Database, turn: Turn): Promise<Answer | undefined> {
  const [row] = await db.query<Answer>(
    `select m.content, m.status, m.workflow_status, m.metadata, x.status as execution_status, x.attempt,
        exists (select from run_queue q where q.execution_id = x.execution_id) as queued
      from chat_messages m join workflow_executions x on x.execution_id = m.workflow_execution_id where m.id = $1`,
    [turn.answer_id],
  )
  return row
}

/** Waits until the run has ended; gives its answer. */
export async function ended(db: Database, turn: Turn, ms = 10_000): Promise<Answer> {
  const deadline = Date.now() + ms
  for (;;) {
    const answer = await answerOf(db, turn)
    if (answer && !answer.queued && answer.status !== 'sending') return answer
    if (Date.now() > deadline) throw new Error(`the run has not ended: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
