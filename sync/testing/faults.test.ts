import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAULTS, type Fault } from './faults.ts'
import { schedule } from './sim-steps.ts'
import { play } from './simulator.ts'

/** Schedules that may be needed; most faults show in the first few. */
const MOST = 600

/** What the simulator says of a world with this fault, and after how many schedules. */
function find(fault: Fault): { seed: number; says: string } | undefined {
  for (let seed = 1; seed <= MOST; seed++) {
    const [one] = fc.sample(schedule(120, fault.focus), { seed, numRuns: 1 })
    try {
      if (one) play(one, fault)
    } catch (error) {
      return { seed, says: String(error) }
    }
  }
  return undefined
}

test.each(FAULTS)(
  'the simulator notices $name',
  (fault) => {
    const found = find(fault)
    expect(found, `nothing in ${MOST} schedules`).toBeDefined()
    expect(fault.breaks).toContain(/Error: (I\d+):/.exec(found?.says ?? '')?.[1] ?? found?.says)
  },
  120_000,
)
