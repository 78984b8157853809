import { toAppError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import { deleteExpiredChats } from './retention.repository.ts'

/** How often expired chats are looked for. Being late by this much is no harm: they show nowhere. */
const EVERY_MS = 10 * 60_000
/** Chats that one statement deletes: its locks and its WAL stay small. */
const AT_ONCE = 100

export interface Retention {
  /** Deletes what has expired, now and from time to time. */
  start(): void
  /** Resolves when no deletion is under way. */
  stop(): Promise<void>
}

/** Deletes chats that have expired: those of API callers after a day, those of reviews after a month. */
export function createRetention({ db, log }: { db: Database; log: Log }, every_ms = EVERY_MS): Retention {
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined
  let stopping = false

  async function sweep(): Promise<void> {
    let all = 0
    try {
      for (let gone = AT_ONCE; gone === AT_ONCE && !stopping; all += gone) gone = await deleteExpiredChats(db, AT_ONCE)
    } catch (error) {
      log.warn({ event: 'retention.trouble', reason: toAppError(error).message })
    }
    if (all > 0) log.info({ event: 'retention.chats', deleted: all })
  }

  function look(): void {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined
    })
  }

  return {
    start() {
      look()
      timer = setInterval(look, every_ms)
    },
    async stop() {
      stopping = true
      clearInterval(timer)
      await sweeping
    },
  }
}
