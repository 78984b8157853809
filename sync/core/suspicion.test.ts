import { expect, test } from 'vitest'
import { CALM, LOOK_MS, suspect, type Seen, type Suspicion, type Verdict } from './suspicion.ts'

/** Looks at an engine that stops at 0 ms until the verdict is final; answers with when that was. */
function until(seen: (at: number) => Partial<Seen>, end = 100_000): { at: number; verdict: Verdict } {
  let suspicion: Suspicion = CALM
  for (let at = LOOK_MS; at <= end; at += LOOK_MS) {
    const look = suspect(suspicion, { visible: true, silence: at, answered: false, opening: false, ...seen(at) })
    suspicion = look.suspicion
    if (look.verdict === 'frozen' || look.verdict === 'hung') return { at, verdict: look.verdict }
  }
  return { at: end, verdict: 'fine' }
}

test('an engine for which nobody answers is frozen within four seconds', () => {
  const { at, verdict } = until(() => ({}))
  expect(verdict).toBe('frozen')
  expect(at).toBeLessThanOrEqual(4000)
})

test('an engine that is busy while its tab answers is left alone for twelve seconds', () => {
  const { at, verdict } = until(() => ({ answered: true }))
  expect(verdict).toBe('hung')
  expect(at).toBeGreaterThanOrEqual(12_000)
})

test('one that opens its replica is left alone for a minute', () => {
  const { at } = until(() => ({ answered: true, opening: true }))
  expect(at).toBeGreaterThanOrEqual(60_000)
})

test('one answer now and then is enough', () => {
  expect(until((at) => ({ answered: at % (2 * LOOK_MS) === 0 })).verdict).toBe('hung')
})

test('a beat calms', () => {
  expect(until((at) => ({ silence: at % 3200 }))).toEqual({ at: 100_000, verdict: 'fine' })
})

test('a hidden tab does not judge, and a tab that slept looks several times before it does', () => {
  expect(until(() => ({ visible: false })).verdict).toBe('fine')
  expect(suspect(CALM, { visible: true, silence: 3_600_000, answered: false, opening: false }).verdict).toBe('ask')
})
