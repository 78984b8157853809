import { setTimeout as pause } from 'node:timers/promises'
import { toAppError, type AppError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { ModelProviders } from '../config/index.ts'
import type { ActiveRun } from './active-run.ts'
import { endStatement } from './run-end.repository.ts'
import { keptRecords, type Engine } from './engine/index.ts'
import type { ConversationPort, RunError, RunInput, RunEndStatus, RunTarget } from './ports.ts'
import { tokensOf } from './node-record.repository.ts'
import { completed, outcomeOf, runError, type Conclusion } from './run-outcome.ts'
import type { RunQueue } from './run-queue.repository.ts'
import { runTargets } from './run.repository.ts'
import type { VersionCache } from './version-cache.ts'

/** So many failed attempts, and the run itself is what kills its workers: it is not tried again. */
export const MOST_FAILURES = 5

export interface Performance {
  db: Database
  log: Log
  engine: Engine
  queue: RunQueue
  versions: VersionCache
  models: ModelProviders
  conversation: ConversationPort
  /** Resolves when no partials are being written: the end must not cross them. */
  settled(): Promise<void>
}

/**
 * Performs one attempt of a loaded run from its first node to its end statement. Never throws. Returns how many runs
 * waited for this one.
 */
export function performRun(deps: Performance, run: ActiveRun, input: RunInput): Promise<number> {
  return unlessAbandoned(deps, run, async () => {
    run.hidden = input.hidden
    const conclusion = await conclude(deps, run, input)
    return conclusion ? await endRun(deps, run, input, conclusion) : await giveUp(deps, run)
  })
}

/**
 * Ends a run that has failed too often, as `run/lost`. Nothing of what it works on is read: that may be what kills. Never
 * throws. Returns as `performRun` does.
 */
export function endSpentRun(deps: Performance, run: ActiveRun): Promise<number> {
  return unlessAbandoned(deps, run, async () => {
    const [target] = await runTargets(deps.db, [run.fence.execution_id])
    if (!target) return giveUp(deps, run)
    run.hidden = target.hidden
    const conclusion = run.wasStopped('cancelled')
      ? await stopped(deps, run, 'cancelled')
      : await stopped(deps, run, 'failed', { code: 'run/lost' })
    return endRun(deps, run, target, conclusion)
  })
}

async function unlessAbandoned(deps: Performance, run: ActiveRun, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    // The lease runs out, and another attempt finds the run: nothing is lost but time.
    deps.log.error({ event: 'run.abandoned', run: run.fence.execution_id, reason: toAppError(error).message })
    return 0
  }
}

/** Undefined when the run goes on elsewhere. */
async function conclude(deps: Performance, run: ActiveRun, input: RunInput): Promise<Conclusion | undefined> {
  try {
    if (run.wasStopped('cancelled')) return await stopped(deps, run, 'cancelled')
    if (run.wasStopped('timed-out')) return await stopped(deps, run, 'failed', { code: 'run/timed-out' })
    const version = await deps.versions.get(input.agent_version_id)
    if ('error' in version) return failed(run, version.error)
    const { workflow, system_prompt, model_settings } = version
    const { message_id, text, history } = input
    run.begin(
      input,
      { message_id, text, history, system_prompt, model_settings, models: deps.models },
      workflow.durability,
    )
    const end = await deps.engine.run(workflow, run)
    const total_nodes = workflow.plan.nodes.size
    if (run.wasStopped('lost')) return undefined
    // A stop that came when the graph had already finished changes nothing.
    if (end.status === 'finished') return completed(workflow, end)
    if (run.wasStopped('drained')) return undefined
    if (run.wasStopped('cancelled')) return { status: 'cancelled', text: run.text, total_nodes }
    const error = end.failure ? runError(end.failure.error) : { code: 'run/timed-out' as const }
    return { status: 'failed', text: run.text, error, total_nodes }
  } catch (error) {
    const reason = toAppError(error)
    if (reason.kind === 'bug') deps.log.error({ event: 'run.bug', run: run.fence.execution_id, reason: reason.message })
    if (reason.code === 'server/unavailable') return undefined
    return failed(run, reason)
  }
}

/** A run that ends without having worked in this attempt keeps what earlier ones wrote. */
async function stopped(deps: Performance, run: ActiveRun, status: RunEndStatus, error?: RunError): Promise<Conclusion> {
  const text = run.fence.attempt > 1 ? await deps.queue.textSoFar(run.fence.execution_id) : ''
  return { status, text, error, total_nodes: 0 }
}

function failed(run: ActiveRun, reason: AppError): Conclusion {
  return { status: 'failed', text: run.text, error: runError(reason.toValue()), total_nodes: 0 }
}

/** A result that cannot be stored must not be computed again and again: the run then ends as failed, with its text. */
async function endRun(deps: Performance, run: ActiveRun, target: RunTarget, conclusion: Conclusion): Promise<number> {
  try {
    return await writeEnd(deps, run, target, conclusion)
  } catch (error) {
    const reason = toAppError(error)
    if (reason.kind !== 'bug') throw error
    deps.log.error({ event: 'run.end-refused', run: run.fence.execution_id, reason: reason.message })
    run.records.length = 0
    run.pending_checkpoint = undefined
    return writeEnd(deps, run, target, { ...conclusion, status: 'failed', error: { code: 'server/bug' } })
  }
}

async function writeEnd(deps: Performance, run: ActiveRun, target: RunTarget, conclusion: Conclusion): Promise<number> {
  // An answer that did not grow before the person's eyes still arrives there before the row does.
  if (run.text === '' && conclusion.text !== '' && conclusion.status === 'completed') run.say(conclusion.text)
  run.ending = true
  await deps.settled()
  const outcome = outcomeOf(run, target, conclusion)
  const statement = endStatement({
    fence: run.fence,
    outcome,
    total_nodes: conclusion.total_nodes,
    records: run.records,
    checkpoint: run.pending_checkpoint,
    started_at: run.started_at,
    conversation: deps.conversation.finish(outcome),
  })
  const [result] = await persist(deps, run, () => deps.db.query<{ ended: number; unblocked: number }>(statement))
  if (!result || result.ended === 0) {
    run.lose()
    deps.log.warn({ event: 'run.lost', run: run.fence.execution_id, attempt: run.fence.attempt })
    return 0
  }
  run.ended(outcome.status)
  const { status, metadata } = outcome
  deps.log.info({
    event: 'run.end',
    run: run.fence.execution_id,
    status,
    code: metadata.error?.code,
    ms: metadata.duration_ms,
    attempt: run.fence.attempt,
  })
  return result.unblocked
}

/** Repeats a write while the database is away and the run is still ours. */
async function persist<T>(deps: Performance, run: ActiveRun, write: () => Promise<T[]>): Promise<T[]> {
  for (let wait = 200; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await write()
    } catch (error) {
      if (toAppError(error).code !== 'server/unavailable' || run.wasStopped('lost')) throw error
      deps.log.warn({ event: 'run.end-waits', run: run.fence.execution_id })
      await pause(wait)
    }
  }
}

/** Lost: nothing may be written. Drained, or the database was away: the run goes back to the queue. */
async function giveUp(deps: Performance, run: ActiveRun): Promise<number> {
  if (run.wasStopped('lost')) return 0
  await deps.settled()
  const delta = run.text.slice(run.kept)
  // Nodes that the checkpoint lacks begin anew elsewhere; what they used is counted now, the others at the end of the run.
  const kept = keptRecords(run)
  await deps.queue.handBack({
    fence: run.fence,
    partial: delta === '' ? undefined : { fence: run.fence, seq: run.seq, delta },
    records: kept,
    tokens: tokensOf(run.records) - tokensOf(kept),
    checkpoint: run.pending_checkpoint,
    failed: !run.wasStopped('drained'),
  })
  deps.log.info({ event: 'run.handed-back', run: run.fence.execution_id })
  return 0
}
