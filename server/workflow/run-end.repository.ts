import { auditPart } from '../kernel/audit-log.ts'
import type { Queryable } from '../kernel/db.ts'
import { compose, prepared, type Part, type Statement } from '../kernel/statement.ts'
import { checkpointParts, type CheckpointWrite, type Fence } from './engine/index.ts'
import type { RunOutcome } from './ports.ts'
import type { NodeRecord } from './run-node.ts'
import { nodesPart, tokensOf, tokensPart } from './node-record.repository.ts'
import { storableJson } from './storable.ts'

/** All that the end of a run writes. */
export interface RunEnd {
  fence: Fence
  outcome: RunOutcome
  total_nodes: number
  records: readonly NodeRecord[]
  checkpoint: CheckpointWrite | undefined
  started_at: Date
  /** What the conversation adds (`ConversationPort.finish`). */
  conversation: readonly Part[]
}

/**
 * The end of a run in one statement and one commit. Everything hangs on `ended`: the fenced delete of the queue row.
 * A worker that has lost the run deletes nothing, and so writes nothing. Returns `ended` and `unblocked`, counts.
 */
export function endStatement(end: RunEnd): Statement {
  const { fence } = end
  const ended: Part = {
    name: 'ended',
    sql: `delete from run_queue where execution_id = $1 and lease_owner = $2 and attempt = $3
      returning execution_id, user_id, blocked_by`,
    values: [fence.execution_id, fence.lease_owner, fence.attempt],
  }
  return compose(
    [
      ended,
      UNBLOCKED,
      executionPart(end),
      nodesPart(end.records, end.outcome, 'ended'),
      usagePart(end),
      PARTIALS,
      auditPart(auditOf(end), 'ended'),
      ...(end.checkpoint ? checkpointParts(end.checkpoint, 'ended') : []),
      ...end.conversation,
    ],
    'select (select count(*) from ended)::int as ended, (select count(*) from unblocked)::int as unblocked',
  )
}

/** The text so far: the answer has it now. */
const PARTIALS: Part = {
  name: 'partials',
  sql: 'delete from run_partials p using ended e where p.execution_id = e.execution_id',
  values: [],
}

/** Those who waited for this run wait for what it waited for: nothing, unless it was stopped before its turn. */
const UNBLOCKED: Part = {
  name: 'unblocked',
  sql: `update run_queue q set blocked_by = e.blocked_by from ended e where q.blocked_by = e.execution_id
    returning q.execution_id`,
  values: [],
}

function auditOf({ outcome, fence }: RunEnd) {
  return {
    actor_id: outcome.user_id,
    action: 'run.end',
    object_type: 'run',
    object_id: outcome.execution_id,
    outcome: outcome.status === 'failed' ? ('failed' as const) : ('done' as const),
    params: { status: outcome.status, attempt: fence.attempt, code: outcome.metadata.error?.code },
  }
}

function executionPart({ fence, outcome, total_nodes, records, checkpoint, started_at }: RunEnd): Part {
  const { metadata } = outcome
  const completed = records.filter((record) => record.status === 'completed').length
  const failed = outcome.status === 'failed' ? records.filter((record) => record.status === 'failed').length : 0
  return {
    name: 'execution',
    sql: `update workflow_executions x set status = $1::varchar, final_result = $2::jsonb, error_info = $3::jsonb,
        total_nodes = $4::int, completed_nodes = $5::int, failed_nodes = $6::int, attempt = $7::int,
        tokens_prompt = $8::int, tokens_completion = $9::int, cost_estimate = $10::numeric,
        started_at = coalesce(x.started_at, $11::timestamptz), completed_at = now(), checkpoint_id = $12::varchar,
        current_node = $13::varchar
      from ended e where x.execution_id = e.execution_id`,
    values: [
      outcome.status,
      // The answer is kept once, in its message.
      outcome.status === 'completed' ? JSON.stringify({ message: outcome.answer_message_id }) : null,
      metadata.error ? storableJson(metadata.error) : null,
      total_nodes,
      completed,
      failed,
      fence.attempt,
      metadata.tokens_prompt ?? null,
      metadata.tokens_completion ?? null,
      metadata.cost ?? null,
      started_at.toISOString(),
      checkpoint?.checkpoint_id ?? null,
      records.at(-1)?.node_name ?? null,
    ],
  }
}

function usagePart({ records, fence }: RunEnd): Part {
  const own = fence.attempt > 1 ? records.map((record) => record.id) : undefined
  return tokensPart(tokensOf(records), 'ended', own)
}

/** Unfinished runs on record since the id `since` that have been in no queue for `quiet_ms`; at most 100. */
export async function lostRuns(db: Queryable, since: string, quiet_ms: number): Promise<string[]> {
  const rows = await db.query<{ execution_id: string }>(
    prepared(
      `select x.execution_id from workflow_executions x
        where x.execution_id >= $1::uuid and x.status in ('queued', 'running')
          and x.created_at < now() - $2::int * interval '1 ms'
          and not exists (select from run_queue q where q.execution_id = x.execution_id) limit 100`,
      [since, quiet_ms],
    ),
  )
  return rows.map((row) => row.execution_id)
}

/** The end of a run that is in no queue any more; it writes nothing when the run has ended after all. */
export function lostStatement(outcome: RunOutcome, conversation: readonly Part[]): Statement {
  const { execution_id, metadata } = outcome
  const ended: Part = {
    name: 'ended',
    sql: `update workflow_executions x set status = 'failed', error_info = $2::jsonb, completed_at = now()
      where x.execution_id = $1 and x.status in ('queued', 'running')
        and not exists (select from run_queue q where q.execution_id = x.execution_id)
      returning x.execution_id, x.user_id, null::uuid as blocked_by`,
    values: [execution_id, JSON.stringify(metadata.error ?? null)],
  }
  const audit = auditPart(
    { actor_id: null, action: 'run.lost', object_type: 'run', object_id: execution_id, outcome: 'failed' },
    'ended',
  )
  return compose(
    [ended, UNBLOCKED, tokensPart(0, 'ended', []), PARTIALS, audit, ...conversation],
    'select 1 from ended',
  )
}
