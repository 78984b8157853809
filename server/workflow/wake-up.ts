import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'

/** Where workers are told of new runs (empty payload) and of runs to stop (`cancel:<execution_id>`). */
export const RUN_CHANNEL = 'banyan_run'

const CANCEL = 'cancel:'

export interface WakeUp {
  close(): void
}

/** What is needed of a connection of the pool. */
interface Client {
  release(broken: boolean): void
  removeAllListeners(event: string): unknown
}

/**
 * Listens on `banyan_run` over one connection of the pool, and connects again when it is lost. Messages are a
 * convenience: the slow poll finds everything without them, so a pooler that swallows LISTEN only costs time.
 */
export function listenForRuns(
  db: Database,
  log: Log,
  on: { runs(): void; cancel(execution_id: string): void },
): WakeUp {
  const connection: { client?: Client | undefined } = {}
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    try {
      const opened = await db.pool.connect()
      if (closed) {
        opened.release(true)
        return
      }
      connection.client = opened
      opened.on('error', lost)
      opened.on('end', lost)
      opened.on('notification', ({ payload = '' }) =>
        payload.startsWith(CANCEL) ? on.cancel(payload.slice(CANCEL.length)) : on.runs(),
      )
      await opened.query(`listen ${RUN_CHANNEL}`)
      // What was said while nobody listened.
      on.runs()
    } catch (error) {
      lost(error)
    }
  }

  function lost(error?: unknown): void {
    drop()
    if (closed || timer) return
    log.warn({ event: 'run.listen-lost', reason: error instanceof Error ? error.message : 'connection ended' })
    timer = setTimeout(() => {
      timer = undefined
      void connect()
    }, 1_000)
  }

  function drop(): void {
    const { client } = connection
    connection.client = undefined
    client?.removeAllListeners('end')
    client?.release(true)
  }

  void connect()
  return {
    close: () => {
      closed = true
      clearTimeout(timer)
      drop()
    },
  }
}

/** Tells all workers that runs wait. After the commit of what queued them: NOTIFY inside it holds a global lock. */
export async function notifyRuns(db: Database): Promise<void> {
  await db.query(`select pg_notify('${RUN_CHANNEL}', '')`)
}

/** Tells all workers to stop a run at once; whoever holds it finds `cancel_requested_at` at its next heartbeat anyway. */
export async function notifyCancel(db: Database, execution_id: string): Promise<void> {
  await db.query('select pg_notify($1, $2)', [RUN_CHANNEL, CANCEL + execution_id])
}
