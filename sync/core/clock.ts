import { MAX_CLOCK_LEAD_MS, MAX_COUNTER, receive, type Hlc } from '../../shared/kernel/hlc.ts'

/** Less than this is what networks and cheap clocks do, ms. */
export const TOLERATED_SKEW_MS = 2 * 60_000

/** How far this device's clock is behind the server's, ms; negative: ahead. Small differences count as none. */
export function behindBy(server_now: number, device_now: number): number {
  const behind = server_now - device_now
  return Math.abs(behind) > TOLERATED_SKEW_MS ? behind : 0
}

/**
 * The clock after a word of the server: past its time, so that a slow device does not lose every conflict. One that
 * ran ahead comes back to what the server clamps it to, or it would win every conflict for as long; but not before its
 * own writes of that time have been decided (`queued`: the latest clock that waits), or later writes would lose to them.
 */
export function adoptTime(clock: Hlc, server_now: number, device_now: number, queued: number | undefined): Hlc {
  const furthest = server_now + MAX_CLOCK_LEAD_MS
  if (clock.ms > furthest && (queued ?? 0) <= furthest) return { ms: furthest, counter: MAX_COUNTER }
  return receive(clock, { ms: server_now, counter: 0 }, device_now + behindBy(server_now, device_now))
}
