/** 2024-10-09T00:00:00Z in seconds: where Electric counts live periods from. */
const EPOCH = 1_728_432_000
/** Seconds of one period, the long poll's length. */
const PERIOD = 20

/**
 * Value of `electric-cursor`: the same for all who poll in one period, so that a cache can answer them together, but
 * never what the client already had.
 */
export function nextCursor(previous: string | undefined, now = Date.now() / 1000): string {
  const next = Math.ceil((now - EPOCH) / PERIOD) * PERIOD
  const known = previous !== undefined && /^\d{1,15}$/.test(previous) ? Number(previous) : -1
  return String(next > known ? next : known + 1 + Math.floor(Math.random() * 3600))
}
