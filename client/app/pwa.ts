import { shallowRef } from 'vue'
import type { Workbox } from 'workbox-window'

/** A new version waits; the bar asks. */
export const updateReady = shallowRef(false)
let workbox: Workbox | undefined

const HOUR = 3_600_000
const RELOADED = 'banyan.reloaded'

/** Registers the service worker after the first paint; looks for a new version hourly and on return to the tab. */
export function startPwa(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const start = async () => {
    const { Workbox } = await import('workbox-window')
    const worker = new Workbox('/sw.js', { scope: '/', type: 'classic' })
    workbox = worker
    worker.addEventListener('waiting', () => {
      updateReady.value = true
    })
    // Another tab took the new version: this one must follow, or its lazy parts are gone.
    let controlled = Boolean(navigator.serviceWorker.controller)
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (controlled) reloadSafely()
      controlled = true
    })
    await worker.register().catch(() => undefined)
    const look = () => void worker.update().catch(() => undefined)
    setInterval(look, HOUR)
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') look()
    })
  }
  if (document.readyState === 'complete') void start()
  else window.addEventListener('load', () => void start(), { once: true })
}

let savers: (() => Promise<void>)[] = []

/** Something that must be written down before the page may reload, e.g. the composer. Returns the way to withdraw. */
export function beforeReload(save: () => Promise<void>): () => void {
  savers = [...savers, save]
  return () => {
    savers = savers.filter((other) => other !== save)
  }
}

async function saveAll(): Promise<void> {
  await Promise.allSettled(savers.map((save) => save()))
}

/** The person agreed: text is saved, the new version takes over, every tab reloads. */
export async function applyUpdate(): Promise<void> {
  await saveAll()
  workbox?.messageSkipWaiting()
}

/** Asks the server now whether there is a newer version; when there is, it waits and the bar asks. */
export function lookForUpdate(): void {
  void workbox?.update().catch(() => undefined)
}

/** How long a newer version may take to arrive, ms. */
const ARRIVAL_MS = 20_000

/**
 * The person wants the newer version and this one no longer works: it is fetched if need be. Where no service worker
 * keeps the old one, loading the page anew is enough.
 */
export async function updateNow(): Promise<void> {
  lookForUpdate()
  const until = Date.now() + (workbox ? ARRIVAL_MS : 0)
  while (!updateReady.value && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 250))
  if (updateReady.value) return applyUpdate()
  await reloadSafely()
}

/** Loads the page anew, once what was being written is kept. */
export async function reloadSafely(): Promise<void> {
  await saveAll()
  location.reload()
}

/** A lazy part that is gone means that a newer version was deployed: one reload, never in a loop, never offline. */
export function guardLostChunks(): void {
  window.addEventListener('vite:preloadError', (event) => {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0)
    if (Date.now() - last < 60_000 || !navigator.onLine) return
    event.preventDefault()
    sessionStorage.setItem(RELOADED, String(Date.now()))
    void saveAll().then(() => location.reload())
  })
}
