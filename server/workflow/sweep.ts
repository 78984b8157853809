import { auditPart } from '../kernel/audit-log.ts'
import { compose, prepared } from '../kernel/statement.ts'
import { UNBLOCKED } from './end-run.ts'
import type { Performance } from './perform-run.ts'
import type { RunInput, RunOutcome } from './ports.ts'

/** Executions without a queue row are left alone this long: their end may just be on its way. */
const QUIET_MS = 60_000
/** Ids carry their time (UUIDv7), so recent executions are found by key, without an index of their own. */
const RECENT_MS = 24 * 60 * 60_000

type Sweeping = Pick<Performance, 'db' | 'log' | 'queue' | 'conversation'>

/**
 * Ends runs that are on record as unfinished but in no queue, as `run/lost`: nothing stays `running` for ever.
 * `all` looks through the whole table and is for the start of a worker.
 */
export async function endLostRuns(deps: Sweeping, which: 'all' | 'recent'): Promise<number> {
  const since = which === 'all' ? '00000000-0000-0000-0000-000000000000' : uuidAt(Date.now() - RECENT_MS)
  const lost = await deps.db.query<{ execution_id: string }>(
    prepared(
      `select x.execution_id from workflow_executions x
        where x.execution_id >= $1::uuid and x.status in ('queued', 'running') and x.created_at < now() - $2::int * interval '1 ms'
          and not exists (select from run_queue q where q.execution_id = x.execution_id) limit 100`,
      [since, QUIET_MS],
    ),
  )
  if (lost.length === 0) return 0
  const inputs = await deps.conversation.load(lost.map((row) => row.execution_id))
  for (const input of inputs) await endLostRun(deps, input)
  return inputs.length
}

async function endLostRun({ db, log, queue, conversation }: Sweeping, input: RunInput): Promise<void> {
  const { execution_id, chat_id, user_id, answer_message_id } = input
  const text = await queue.textSoFar(execution_id)
  const error = { code: 'run/lost' as const }
  const outcome: RunOutcome = {
    execution_id,
    chat_id,
    user_id,
    answer_message_id,
    status: 'failed',
    text,
    metadata: { error },
  }
  const ended = {
    name: 'ended',
    sql: `update workflow_executions x set status = 'failed', error_info = $2::jsonb, completed_at = now()
      where x.execution_id = $1 and x.status in ('queued', 'running')
        and not exists (select from run_queue q where q.execution_id = x.execution_id)
      returning x.execution_id, x.user_id, null::uuid as blocked_by`,
    values: [execution_id, JSON.stringify(error)],
  }
  const audit = auditPart(
    { actor_id: null, action: 'run.lost', object_type: 'run', object_id: execution_id, outcome: 'failed' },
    'ended',
  )
  const partials = {
    name: 'partials',
    sql: 'delete from run_partials p using ended e where p.execution_id = e.execution_id',
    values: [],
  }
  await db.query(compose([ended, UNBLOCKED, partials, audit, ...conversation.finish(outcome)], 'select 1 from ended'))
  log.warn({ event: 'run.swept', run: execution_id })
}

/** The least UUIDv7 of a time (RFC 9562 §5.7), ms since the epoch. */
function uuidAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
