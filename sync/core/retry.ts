import type { Refusal } from './pending.ts'

/** Longest pause between two pushes, ms. */
export const MAX_BACKOFF_MS = 60_000
/** An item is set aside after this many answers of the kind "the server broke on it". */
export const PARK_AFTER = 10

const BASE_MS = 1000

/** How a push failed: no answer at all, or an answer that is not 200. */
export type PushFailure =
  | { kind: 'network' }
  | {
      kind: 'http'
      status: number
      code?: string | undefined
      params?: Record<string, unknown> | undefined
      retry_after_ms?: number | undefined
    }

export interface RetryState {
  /** Failures in a row, of any kind. */
  attempts: number
  /** Send the head alone, to learn whether it is the one that breaks. */
  narrow: boolean
  /** How often the server broke (5xx) on the head alone. */
  strikes: number
}

export const FRESH: RetryState = { attempts: 0, narrow: false, strikes: 0 }

/** Statuses after which only the person can go on, and the code when the answer names none. */
const FOR_THE_PERSON: Readonly<Record<number, string>> = { 426: 'sync/client-too-old', 403: 'auth/forbidden' }

export type PushVerdict =
  | { do: 'retry'; after_ms: number; state: RetryState }
  /** Until somebody signs in. */
  | { do: 'pause'; state: RetryState }
  /** Until the person acts (an update, a new device id). */
  | { do: 'attention'; code: string; state: RetryState }
  /** The head is refused by this whole answer; go on with the next. */
  | { do: 'reject'; error: Refusal; state: RetryState }

/** Exponential, with equal jitter (half fixed, half random), never above a minute: `random` in [0, 1). */
export function backoff(attempts: number, random: number): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, BASE_MS * 2 ** Math.min(attempts, 10))
  return Math.round(ceiling / 2 + (ceiling / 2) * random)
}

/**
 * What to do after a failed push of `size` mutations. A gateway in trouble (502, 503, 504) says nothing about the
 * mutation and never counts against it; a 500 on the head alone does, and after ten of them the head is parked.
 */
export function afterFailure(state: RetryState, failure: PushFailure, size: number, random: number): PushVerdict {
  const attempts = state.attempts + 1
  const retry = (more: Partial<RetryState>, floor = 0): PushVerdict => ({
    do: 'retry',
    after_ms: Math.max(floor, backoff(attempts - 1, random)),
    state: { ...state, attempts, ...more },
  })
  if (failure.kind === 'network') return retry({})
  const { status } = failure
  if (status === 401) return { do: 'pause', state }
  const waitsFor = FOR_THE_PERSON[status]
  if (waitsFor) return { do: 'attention', code: failure.code ?? waitsFor, state }
  if (failure.code === 'sync/server-too-old') {
    // others of the batch may be what this server knows
    if (size > 1) return { do: 'retry', after_ms: 0, state: { ...state, attempts, narrow: true } }
    return { do: 'attention', code: failure.code, state }
  }
  if (status === 429 || status === 408 || status === 404) return retry({}, failure.retry_after_ms)
  if (status >= 500) {
    if (status !== 500) return retry({}, failure.retry_after_ms)
    if (size > 1) return retry({ narrow: true })
    if (state.strikes + 1 < PARK_AFTER) return retry({ narrow: true, strikes: state.strikes + 1 })
    return { do: 'reject', error: refusal(failure, 'server/bug'), state: FRESH }
  }
  if (size > 1) return { do: 'retry', after_ms: 0, state: { ...state, attempts, narrow: true } }
  return { do: 'reject', error: refusal(failure, 'request/invalid'), state: FRESH }
}

function refusal(
  failure: { code?: string | undefined; params?: Record<string, unknown> | undefined },
  fallback: string,
): Refusal {
  return { code: failure.code ?? fallback, ...(failure.params ? { params: failure.params } : {}) }
}
