import type { Database } from '../kernel/db.ts'
import type { Notifications } from '../kernel/listen.ts'
import type { Worker } from './worker-contract.ts'

/** Where workers are told of new runs (empty payload) and of runs to stop (`cancel:<execution_id>`). */
const RUN_CHANNEL = 'banyan_run'

const CANCEL = 'cancel:'

/**
 * Lets notifications wake a worker. They are a convenience: the slow poll finds every run without them, and heartbeats
 * find requests to stop, so a pooler that swallows LISTEN only costs time.
 */
export function wakeByNotifications(notifications: Notifications, worker: Pick<Worker, 'wake' | 'cancel'>): void {
  notifications.on(
    RUN_CHANNEL,
    (payload) => (payload.startsWith(CANCEL) ? worker.cancel(payload.slice(CANCEL.length)) : worker.wake()),
    () => worker.wake(),
  )
}

/** Tells all workers that runs wait. After the commit of what queued them: NOTIFY inside it holds a global lock. */
export async function notifyRuns(db: Database): Promise<void> {
  await db.query(`select pg_notify('${RUN_CHANNEL}', '')`)
}

/** Tells all workers to stop a run at once; whoever holds it finds `cancel_requested_at` at its next heartbeat anyway. */
export async function notifyCancel(db: Database, execution_id: string): Promise<void> {
  await db.query('select pg_notify($1, $2)', [RUN_CHANNEL, CANCEL + execution_id])
}
