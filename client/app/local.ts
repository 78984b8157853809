import {
  computed,
  onScopeDispose,
  shallowRef,
  type ComputedRef,
  toValue,
  watch,
  type MaybeRefOrGetter,
  type ShallowRef,
} from 'vue'
import type { TObject } from 'typebox'
import type { Mutator, MutatorArgs } from '../../shared/kernel/mutator.ts'
import type { NamedQuery, QueryParams } from '../../shared/kernel/query.ts'
import type { LocalStore, OpenStoreOptions, SyncStatus } from '../../sync/client/local-store.ts'
import { attempt } from './errors.ts'
import { askForPersistence } from './persistence.ts'
import { forgetRuns, takeRun } from './runs.ts'

const opened = shallowRef<LocalStore>()
const sync = shallowRef<SyncStatus>({
  state: 'starting',
  mode: 'online',
  keeps: 'outbox',
  opening: true,
  pending: 0,
  rejected: 0,
  asking: 0,
  synced_at: null,
})
const pending = shallowRef<ReadonlySet<string>>(new Set())
const asked = shallowRef<ReadonlyMap<string, string>>(new Map())

/** The signed-in person's store; undefined until it is open. */
export const store = computed(() => opened.value)
export const syncStatus = computed(() => sync.value)
/** Message ids that have not reached the server yet. */
export const pendingIds = computed(() => pending.value)
/** Message ids whose mutation is so old that it asks before it is sent, with that mutation's id. */
export const askingIds = computed(() => asked.value)

const waiting = computed<ReadonlySet<string>>(() =>
  ['offline', 'attention', 'signed-out'].includes(sync.value.state) ? pending.value : new Set(),
)

/** Message ids that wait on this device, once that is worth saying: not in the blink of an eye in which all goes well. */
export function useWaiting(): ComputedRef<ReadonlySet<string>> {
  return waiting
}

let stop: (() => void)[] = []
/** The store that is on its way. */
let opening: Promise<LocalStore> | undefined

/** Opens the store of a person; the engine's code arrives now and not before. */
export async function openLocal(options: OpenStoreOptions): Promise<LocalStore> {
  if (opened.value?.user_id === options.user_id) return opened.value
  const mine = open(options)
  opening = mine
  try {
    return await mine
  } finally {
    if (opening === mine) opening = undefined
  }
}

async function open(options: OpenStoreOptions): Promise<LocalStore> {
  await closeLocal({ wipe: false })
  const { openStore } = await import('../../sync/client/open-store.ts')
  const local = await openStore(options)
  const refresh = (status: SyncStatus) => {
    sync.value = { ...status }
    pending.value = new Set(local.pendingIds())
    asked.value = local.outbox.asking()
  }
  stop = [local.onStatus(refresh), local.onRun(takeRun)]
  refresh(local.status)
  opened.value = local
  window.banyan = { query: (sql, params) => local.query(sql, params) }
  return local
}

export async function closeLocal(options: { wipe: boolean }): Promise<void> {
  const local = opened.value
  for (const end of stop) end()
  stop = []
  forgetRuns()
  shown.clear()
  opened.value = undefined
  delete window.banyan
  await local?.close(options)
}

/** Queries whose rows stay in memory. */
const MOST_SHOWN = 60
/**
 * What this tab showed last, by boot key: who comes back to a chat sees at once all that they saw before. What is on
 * the disk may be a moment older, and a message sent below it would begin a branch.
 */
const shown = new Map<string, readonly unknown[]>()

export interface LiveRows<R> {
  rows: Readonly<ShallowRef<readonly R[]>>
  /** False until the first answer: show a skeleton, not an empty state. */
  ready: Readonly<ShallowRef<boolean>>
  /** True while the rows are the ones of last time, kept for a quick first paint. */
  stale: Readonly<ShallowRef<boolean>>
  error: Readonly<ShallowRef<{ code: string } | undefined>>
}

/**
 * Rows of a named query, live. `params` may be a getter; undefined means: not now. With `boot`, the first rows of the
 * last time are painted until the replica answers.
 */
export function useQuery<P extends TObject, R>(
  query: NamedQuery<P, R>,
  params: MaybeRefOrGetter<QueryParams<NamedQuery<P, R>> | undefined>,
  options: { boot?: MaybeRefOrGetter<string | undefined>; keep?: number } = {},
): LiveRows<R> {
  const rows = shallowRef<readonly R[]>([])
  const ready = shallowRef(false)
  const stale = shallowRef(false)
  const error = shallowRef<{ code: string }>()
  let end: (() => void) | undefined
  let writing: ReturnType<typeof setTimeout> | undefined

  watch(
    [opened, () => JSON.stringify(toValue(params)), () => toValue(options.boot)] as const,
    ([local, _key, boot]) => {
      end?.()
      end = undefined
      rows.value = []
      ready.value = false
      stale.value = false
      error.value = undefined
      const given = toValue(params)
      if (!local || given === undefined) return
      let live = true
      if (boot) void paintFromBoot(local, boot, () => live)
      const unwatch = local.watch(query, given, (snapshot) => {
        if (!live) return
        error.value = snapshot.error
        if (!snapshot.ready) return
        rows.value = snapshot.rows
        ready.value = true
        stale.value = false
        if (boot) keepForBoot(local, boot, snapshot.rows)
      })
      end = () => {
        live = false
        unwatch()
      }
    },
    { immediate: true },
  )
  onScopeDispose(() => end?.())

  function paint(kept: unknown) {
    if (ready.value || !Array.isArray(kept)) return
    rows.value = kept
    ready.value = true
    stale.value = true
  }

  async function paintFromBoot(local: LocalStore, key: string, live: () => boolean) {
    paint(shown.get(key))
    if (ready.value) return
    const kept = await local.boot.read(key).catch(() => undefined)
    if (live()) paint(kept)
  }

  function keepForBoot(local: LocalStore, key: string, fresh: readonly R[]) {
    const kept = fresh.slice(-(options.keep ?? 60))
    shown.delete(key)
    shown.set(key, kept)
    for (const oldest of shown.keys()) if (shown.size > MOST_SHOWN) shown.delete(oldest)
    clearTimeout(writing)
    writing = setTimeout(() => void local.boot.write(key, kept).catch(() => undefined), 400)
  }

  return { rows, ready, stale, error }
}

export interface Mutate {
  /** Queues a mutation. A refusal becomes a toast, and the answer undefined. */
  <A extends TObject>(mutator: Mutator<A>, args: MutatorArgs<Mutator<A>>): Promise<{ id: string } | undefined>
}

/** The way to write: durable on this device at once, sent when the network is there. */
export function useMutation(): Mutate {
  return mutate
}

/** As `useMutation`, for use outside components. */
export async function mutate<A extends TObject>(
  mutator: Mutator<A>,
  args: MutatorArgs<Mutator<A>>,
): Promise<{ id: string } | undefined> {
  // What somebody does in the first second waits for the store, and is not lost.
  const local = opened.value ?? (await opening?.catch(() => undefined))
  if (!local) return undefined
  const done = await attempt(() => local.mutate(mutator, args))
  pending.value = new Set(local.pendingIds())
  if (sync.value.state === 'offline') void askOnce()
  return done
}

let askedToKeep = false

/** The first change made offline is the moment at which the browser's promise to keep data starts to matter. */
async function askOnce(): Promise<void> {
  if (askedToKeep) return
  askedToKeep = true
  await askForPersistence()
}

declare global {
  interface Window {
    /** For support, export and black-box tests. */
    banyan?: { query: (sql: string, params?: unknown[]) => Promise<Record<string, unknown>[]> }
  }
}
