import { MAX_CLOCK_LEAD_MS, MAX_COUNTER, parseHlc, receive, type Hlc } from '../../shared/kernel/hlc.ts'
import type { Pending } from './pending.ts'

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
 * own writes of that time are settled (`queued`: the latest clock in the outbox), or later writes would lose to them: on
 * the server to those that it does not know yet, and here to those that it has clamped while the overlay has not.
 */
export function adoptTime(clock: Hlc, server_now: number, device_now: number, queued: number | undefined): Hlc {
  const furthest = server_now + MAX_CLOCK_LEAD_MS
  if (clock.ms > furthest && (queued ?? 0) <= furthest) return { ms: furthest, counter: MAX_COUNTER }
  return receive(clock, { ms: server_now, counter: 0 }, device_now + behindBy(server_now, device_now))
}

/** The latest clock in the outbox, ms. */
export function latestQueued(outbox: readonly Pick<Pending, 'hlc'>[]): number | undefined {
  const clocks = outbox.map(({ hlc }) => parseHlc(hlc)?.ms ?? 0)
  return clocks.length > 0 ? Math.max(...clocks) : undefined
}
