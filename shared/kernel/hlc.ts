/**
 * Hybrid logical clock, `<ms, 13 digits>-<counter, 4 hex>-<node>`: compares as text, never runs backwards on one
 * node, and stays close to wall time. Kulkarni et al., "Logical Physical Clocks", 2014.
 */
export interface Hlc {
  ms: number
  counter: number
}

export const MAX_COUNTER = 0xffff

/** The next clock value after `last` at wall time `now` (ms since the epoch). */
export function tick(last: Hlc, now: number): Hlc {
  if (now > last.ms) return { ms: now, counter: 0 }
  if (last.counter === MAX_COUNTER) return { ms: last.ms + 1, counter: 0 }
  return { ms: last.ms, counter: last.counter + 1 }
}

/** Moves `local` past a clock seen from elsewhere. */
export function receive(local: Hlc, seen: Hlc, now: number): Hlc {
  const ahead = seen.ms > local.ms || (seen.ms === local.ms && seen.counter > local.counter) ? seen : local
  return tick(ahead, now)
}

export function formatHlc(clock: Hlc, node: string): string {
  return `${String(clock.ms).padStart(13, '0')}-${clock.counter.toString(16).padStart(4, '0')}-${node}`
}

export function parseHlc(text: string): (Hlc & { node: string }) | undefined {
  const match = /^(\d{13})-([0-9a-f]{4})-([0-9a-z-]{1,40})$/.exec(text)
  if (!match) return undefined
  const [, ms, counter, node] = match
  return { ms: Number(ms), counter: Number.parseInt(counter ?? '0', 16), node: node ?? '' }
}

/** Clients may run ahead by at most this much; the server clamps the rest. */
export const MAX_CLOCK_LEAD_MS = 5 * 60_000

/**
 * `text`, or the greatest clock of its device that is at most five minutes ahead of `now`: order is kept. Undefined when
 * it is no clock at all. Clocks that are clamped in the same millisecond come out equal: whoever compares lets the later
 * arrival win then.
 */
export function clampHlc(text: string, now: number): string | undefined {
  const clock = parseHlc(text)
  if (!clock) return undefined
  if (clock.ms <= now + MAX_CLOCK_LEAD_MS) return text
  return formatHlc({ ms: now + MAX_CLOCK_LEAD_MS, counter: MAX_COUNTER }, clock.node)
}
