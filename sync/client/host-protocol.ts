import type { ErrorValue } from '../../shared/kernel/errors.ts'
import type { RunFrame, RunText } from '../core/run-overlay.ts'
import type { State } from '../core/status.ts'

/**
 * Messages between tabs and the one engine of this browser profile, over a BroadcastChannel. Calls are resent to a
 * new engine until answered, so each must be idempotent: reads are, and mutations carry their id.
 */
export interface NewMutation {
  id: string
  name: string
  version: number
  args: Record<string, unknown>
  created_at: string
}

export type HostCall =
  | { op: 'hello'; epoch: number }
  | { op: 'mutate'; mutation: NewMutation }
  | { op: 'read'; sql: string; values: unknown[] }
  | { op: 'query'; sql: string; values: unknown[] }
  | { op: 'watch'; watch: string; sql: string; values: unknown[]; tables: readonly string[] }
  | { op: 'unwatch'; watch: string }
  /** What the replica holds: `ShapeStock[]`. */
  | { op: 'stock' }
  /** Whether a chat is here whole. */
  | { op: 'has-chat'; chat_id: string }
  /** Brings it here. */
  | { op: 'fetch-chat'; chat_id: string }
  | { op: 'rebuild' }
  | { op: 'wipe' }

/** What the engine knows of itself. */
export interface HostStatus {
  state: State
  mode: 'replica' | 'online'
  synced_at: number | null
  problem?: string | undefined
  bytes?: number | undefined
  /** The replica's files outlive the session. */
  lasting: boolean
  /** The replica is still being opened: a query that the server cannot answer now may be answered locally soon. */
  opening: boolean
}

export type HostEvent =
  /** A new engine is in charge. */
  | { t: 'up' }
  | { t: 'status'; status: HostStatus }
  /** Rows of these tables may have changed. */
  | { t: 'changed'; tables: readonly string[] }
  | { t: 'run'; frame: RunFrame }
  /** The outbox or the dead letters changed. */
  | { t: 'outbox' }
  | { t: 'rows'; watch: string; rows: Record<string, unknown>[] }
  | { t: 'failed'; watch: string; code: string }
  | { t: 'beat' }
  | { t: 'wiped' }

/** Tab → engine. `poke` says: the outbox has something new; it needs no answer. */
export type ToHost = { to: 'host'; tab: string; call: number; body: HostCall } | { to: 'host'; tab: string; poke: true }

/** Engine → tabs; `tab` absent means all. `epoch` rises with each engine: what an older one still says is not heard. */
export type ToTab =
  | { to: 'tab'; tab: string; epoch: number; call: number; ok: true; value: unknown }
  | { to: 'tab'; tab: string; epoch: number; call: number; ok: false; error: ErrorValue }
  | { to: 'tab'; tab?: string | undefined; epoch: number; event: HostEvent }

/** Answer to `hello`. */
export interface HelloValue {
  status: HostStatus
  runs: RunText[]
}

export function channelName(user_id: string): string {
  return `banyan:${user_id}`
}

/** Web Lock that the engine holds for life. */
export function hostLockName(user_id: string): string {
  return `banyan-host:${user_id}`
}

/** Web Lock that a tab holds for life: when the engine gets it, the tab is gone. */
export function tabLockName(tab: string): string {
  return TAB_LOCK + tab
}

export const TAB_LOCK = 'banyan-tab:'

/** Prefix of the ids of a tab's watches. */
export function watchesOf(tab: string): string {
  return `${tab}:`
}
