import { newId } from '../../shared/kernel/id.ts'
import { Candidate } from './candidate.ts'
import { tabLockName } from './host-protocol.ts'
import type { LocalStore, OpenStore, OpenStoreOptions } from './local-store.ts'
import { deadline } from './open-deadline.ts'
import { TabStore } from './tab-store.ts'

/** Longest wait for the browser to open the device database, ms. */
const OPEN_DEADLINE_MS = 15_000

/**
 * Opens the person's local store: starts a candidate engine in a worker (the first of all tabs leads) and returns at
 * once; reads come from the server until a replica is ready. Where the browser keeps nothing, or cannot keep tabs apart,
 * a store that only asks the server takes its place.
 */
export const openStore: OpenStore = async (options) => {
  if (!hasWhatTabsNeed()) return openOnline(options)
  const tab = newId()
  const locks = new AbortController()
  try {
    await holdTabLock(tab, locks.signal)
    const engine = new Candidate(options)
    const end = () => {
      engine.stop()
      locks.abort()
    }
    const store = await deadline(TabStore.open(options, tab, end), OPEN_DEADLINE_MS, (late) =>
      late.close({ wipe: false }),
    )
    engine.start(store)
    return store
  } catch {
    locks.abort()
    return openOnline(options)
  }
}

/** Over plain HTTP, and in old browsers, some are missing. */
function hasWhatTabsNeed(): boolean {
  return 'locks' in navigator && 'BroadcastChannel' in globalThis && 'indexedDB' in globalThis
}

function holdTabLock(tab: string, signal: AbortSignal): Promise<void> {
  return new Promise((held, refused) => {
    navigator.locks
      .request(tabLockName(tab), { signal }, () => {
        held()
        return new Promise((_, release) => signal.addEventListener('abort', release, { once: true }))
      })
      .catch(refused)
  })
}

async function openOnline(options: OpenStoreOptions): Promise<LocalStore> {
  const { OnlineStore } = await import('./online-store.ts')
  return new OnlineStore(options, location.origin)
}
