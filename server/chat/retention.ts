import { toAppError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import { settleLostCalls } from './openai/model-call.repository.ts'
import { deleteExpiredChats } from './retention.repository.ts'

/** How often expired chats are looked for. Being late by this much is no harm: they show nowhere. */
const EVERY_MS = 10 * 60_000
/** Chats that one statement deletes: its locks and its WAL stay small. */
const AT_ONCE = 100

export interface Retention {
  /** Once, now. Never throws. */
  sweep(): Promise<void>
  /** Looks for what has had its time, now and from time to time. */
  start(): void
  /** Resolves when nothing is under way. */
  stop(): Promise<void>
}

/**
 * What has had its time goes: chats of API callers after a day, chats of reviews after a month, the places of model calls
 * whose process has died.
 */
export function createRetention({ db, log }: { db: Database; log: Log }, every_ms = EVERY_MS): Retention {
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined
  let stopping = false

  async function sweep(): Promise<void> {
    let all = 0
    try {
      await settleLostCalls(db)
      for (let gone = AT_ONCE; gone === AT_ONCE && !stopping; all += gone) gone = await deleteExpiredChats(db, AT_ONCE)
    } catch (error) {
      log.warn({ event: 'retention.trouble', reason: toAppError(error).message })
    }
    if (all > 0) log.info({ event: 'retention.chats', deleted: all })
  }

  function look(): Promise<void> {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined
    })
    return sweeping
  }

  return {
    sweep: look,
    start() {
      void look()
      timer = setInterval(() => void look(), every_ms)
    },
    async stop() {
      stopping = true
      clearInterval(timer)
      await sweeping
    },
  }
}
