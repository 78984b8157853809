import { newId } from '../../shared/kernel/id.ts'
import { Candidate } from './candidate.ts'
import { tabLockName } from './host-protocol.ts'
import type { OpenStore } from './local-store.ts'
import { TabStore } from './tab-store.ts'

/**
 * Opens the person's local store: starts a candidate engine in a worker (the first of all tabs leads) and returns at
 * once; reads come from the server until a replica is ready.
 */
export const openStore: OpenStore = async (options) => {
  const tab = newId()
  const locks = new AbortController()
  await new Promise<void>((held) => {
    navigator.locks
      .request(tabLockName(tab), { signal: locks.signal }, () => {
        held()
        return new Promise((_, release) => locks.signal.addEventListener('abort', release, { once: true }))
      })
      .catch(() => undefined)
  })
  const engine = new Candidate(options)
  const store = await TabStore.open(options, tab, () => {
    engine.stop()
    locks.abort()
  })
  engine.start(store)
  return store
}
