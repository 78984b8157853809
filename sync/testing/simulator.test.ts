import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SEED } from './seed.ts'
import { schedule } from './sim-steps.ts'
import { play } from './simulator.ts'

/** Shrinking a failure may take this long, ms. */
const PATIENCE_MS = 60_000

test(`whatever is lost, delayed, restarted or refused: no flicker (I1, I8), nothing lost (I3) or doubled (I2), all agree (I4), transactions whole (I23), the latest word stays (I24), both sides of a draft (I20), the old asks (I16) [seed ${SEED}]`, () => {
  fc.assert(
    fc.property(schedule(140), (one) => void play(one)),
    { seed: SEED, numRuns: 150, interruptAfterTimeLimit: PATIENCE_MS },
  )
}, 120_000)

test('the schedules reach what they are for: refusals, dead dependants, restarts, conflicts, what asks, many settled mutations', () => {
  const schedules = fc.sample(schedule(140), { numRuns: 60, seed: 7 })
  const runs = schedules.map((one) => play(one))
  const devices = runs.flatMap((run) => run.devices)
  const dead = devices.flatMap(({ idb }) => idb.dead)
  const happened = new Set(schedules.flatMap(({ steps }) => steps.map((step) => step.do)))
  expect(runs.reduce((sum, run) => sum + run.server.applied.length, 0)).toBeGreaterThan(500)
  expect(dead.filter(({ item }) => item.outcome).length).toBeGreaterThan(20)
  expect(dead.filter(({ item }) => !item.outcome).length).toBeGreaterThan(0)
  expect(runs.flatMap((run) => run.server.rows('draft_conflicts')).length).toBeGreaterThan(10)
  expect(devices.filter(({ agreedTo }) => agreedTo > 0).length).toBeGreaterThan(5)
  expect(happened.size).toBeGreaterThan(20)
}, 60_000)
