import { searchMessages, type MessageHit } from '../../shared/chat/queries.ts'
import type { LocalStore } from '../../sync/client/local-store.ts'
import { syncStatus } from '../app/local.ts'

/** `none`: the server answers anyway, or nothing is sought. */
export type OlderSearch = 'none' | 'asking' | 'asked' | 'away'

export interface OlderHits {
  state: OlderSearch
  hits: readonly MessageHit[]
}

const LIMIT = 30

/**
 * Messages that hold `text` and may not be on this device: the server is asked, beside the replica. Says first what it
 * is going to do, and does it when it is asked for more.
 */
export async function* olderHits(local: LocalStore, text: string): AsyncGenerator<OlderHits, void> {
  const { mode, state } = syncStatus.value
  if (mode === 'online') return yield { state: 'none', hits: [] }
  if (state === 'offline') return yield { state: 'away', hits: [] }
  yield { state: 'asking', hits: [] }
  const params = { text: text.slice(0, 200), limit: LIMIT }
  const hits = await local.readServer(searchMessages, params).catch(() => undefined)
  yield hits ? { state: 'asked', hits } : { state: 'away', hits: [] }
}

/** What this device has found, then what only the server has. */
export function withOlder(here: readonly MessageHit[], older: readonly MessageHit[]): MessageHit[] {
  const known = new Set(here.map(({ id }) => id))
  return [...here, ...older.filter(({ id }) => !known.has(id))]
}
