import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clampHlc, formatHlc, MAX_CLOCK_LEAD_MS, tick, type Hlc } from '../../shared/kernel/hlc.ts'
import { pendingOf } from '../testing/pending.ts'
import { adoptTime, behindBy, latestQueued, TOLERATED_SKEW_MS } from './clock.ts'

const T = Date.parse('2026-11-22T00:00:00.000Z')
const DAY = 24 * 3_600_000

test('small differences count as none, large ones as they are', () => {
  expect(behindBy(T, T - TOLERATED_SKEW_MS)).toBe(0)
  expect(behindBy(T, T + TOLERATED_SKEW_MS)).toBe(0)
  expect(behindBy(T, T - DAY)).toBe(DAY)
  expect(behindBy(T, T + DAY)).toBe(-DAY)
})

test('a slow clock moves past the server’s time', () => {
  expect(adoptTime({ ms: T - DAY, counter: 3 }, T, T - DAY, undefined).ms).toBeGreaterThanOrEqual(T)
})

test('what the server has decided still shows by its own clock here, and later writes must not lose to it (I18)', () => {
  const decided = pendingOf(1, {
    hlc: formatHlc({ ms: T + DAY, counter: 0 }, 'device'),
    outcome: { status: 'applied' },
  })
  expect(latestQueued([decided, pendingOf(2)])).toBe(T + DAY)
  expect(latestQueued([])).toBeUndefined()
})

test('a clock that ran ahead comes back once its own writes are settled, not before', () => {
  const ahead: Hlc = { ms: T + DAY, counter: 0 }
  expect(adoptTime(ahead, T, T + DAY, T + DAY).ms).toBe(T + DAY)
  expect(adoptTime(ahead, T, T + DAY, undefined).ms).toBe(T + MAX_CLOCK_LEAD_MS)
  expect(adoptTime(ahead, T, T + DAY, T).ms).toBe(T + MAX_CLOCK_LEAD_MS)
})

/** A device with a wrong clock as `enqueue`, push and the server's word drive it. */
class Device {
  #clock: Hlc = { ms: 0, counter: 0 }
  #behind = 0
  readonly #error: number
  readonly queue: string[] = []

  constructor(error: number) {
    this.#error = error
  }

  write(now: number): void {
    this.#clock = tick(this.#clock, now + this.#error + this.#behind)
    this.queue.push(formatHlc(this.#clock, 'device'))
  }

  /** What the server stores of everything that waits; its answer carries its time. */
  push(now: number): string[] {
    const stored = this.queue.splice(0).map((hlc) => clampHlc(hlc, now) ?? '')
    this.hear(now)
    return stored
  }

  hear(now: number): void {
    const queued = this.queue.length > 0 ? Math.max(...this.queue.map((hlc) => Number(hlc.slice(0, 13)))) : undefined
    this.#clock = adoptTime(this.#clock, now, now + this.#error, queued)
    this.#behind = behindBy(now, now + this.#error)
  }
}

test('whatever a device’s clock says, its writes never lose to its own earlier ones (I18)', () => {
  const acts = fc.array(fc.record({ do: fc.constantFrom('write', 'push', 'hear'), wait: fc.nat(400_000) }))
  fc.assert(
    fc.property(fc.integer({ min: -400 * DAY, max: 400 * DAY }), acts, (error, list) => {
      const device = new Device(error)
      const stored: string[] = []
      let now = T
      for (const act of [...list, { do: 'push', wait: 1 }]) {
        now += act.wait + 1
        if (act.do === 'write') device.write(now)
        else if (act.do === 'hear') device.hear(now)
        else stored.push(...device.push(now))
      }
      expect([...stored].sort()).toEqual(stored)
    }),
  )
})

test('a device that was a day ahead wins no more conflicts ten minutes after it has heard the time', () => {
  const wrong = new Device(DAY)
  const right = new Device(0)
  wrong.write(T)
  wrong.push(T + 1000)
  wrong.write(T + 600_000)
  right.write(T + 601_000)
  const [mine] = wrong.push(T + 602_000)
  const [theirs] = right.push(T + 602_000)
  expect(String(theirs) > String(mine)).toBe(true)
})
