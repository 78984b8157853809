import type { Performance } from './perform-run.ts'
import type { RunOutcome, RunTarget } from './ports.ts'
import { lostRuns, lostStatement } from './run-end.repository.ts'
import { runTargets } from './run.repository.ts'

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
  const lost = await lostRuns(deps.db, since, QUIET_MS)
  if (lost.length === 0) return 0
  const targets = await runTargets(deps.db, lost)
  for (const target of targets) await endLostRun(deps, target)
  return targets.length
}

async function endLostRun({ db, log, queue, conversation }: Sweeping, target: RunTarget): Promise<void> {
  const { execution_id, chat_id, user_id, answer_message_id } = target
  const text = await queue.textSoFar(execution_id)
  const outcome: RunOutcome = {
    execution_id,
    chat_id,
    user_id,
    answer_message_id,
    status: 'failed',
    text,
    metadata: { error: { code: 'run/lost' } },
  }
  await db.query(lostStatement(outcome, conversation.finish(outcome)))
  log.warn({ event: 'run.swept', run: execution_id })
}

/** The least UUIDv7 of a time (RFC 9562 §5.7), ms since the epoch. */
function uuidAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
