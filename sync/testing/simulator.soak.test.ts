import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAULTS } from './faults.ts'
import { SEED } from './seed.ts'
import { schedule } from './sim-steps.ts'
import { play } from './simulator.ts'

const MINUTE = 60_000

test.each([60, 140, 400])(
  `thousands of schedules of up to %i steps break no promise (seed ${SEED})`,
  (length) => {
    fc.assert(
      fc.property(schedule(length), (one) => void play(one)),
      { seed: SEED, numRuns: 1_000_000 / length, interruptAfterTimeLimit: 10 * MINUTE },
    )
  },
  20 * MINUTE,
)

test(
  `every fault is found from anywhere, most of them soon (seed ${SEED})`,
  () => {
    for (const fault of FAULTS) {
      const result = fc.check(
        fc.property(schedule(140, fault.focus), (one) => void play(one, fault)),
        { seed: SEED, numRuns: 3000, endOnFailure: true },
      )
      expect(result.failed, fault.name).toBe(true)
    }
  },
  20 * MINUTE,
)
