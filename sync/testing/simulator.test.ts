import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atTheAnswer, atTheFirstShape, type Settle } from './sim-device.ts'
import { Simulator, type Step } from './simulator.ts'

const device = fc.nat(2)
const shape = fc.nat(9)
const act = fc.record({
  do: fc.constantFrom('create' as const, 'rename' as const, 'send' as const, 'prefer' as const),
  device,
  which: fc.nat(20),
})
const push = fc.record({
  do: fc.constant('push' as const),
  device,
  loss: fc.constantFrom('none' as const, 'none' as const, 'request' as const, 'answer' as const),
})
const poll = fc.record({ do: fc.constant('poll' as const), device, shape, live: fc.boolean() })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: act },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), device, which: fc.nat(20) }) },
  { weight: 6, arbitrary: push },
  { weight: 14, arbitrary: poll },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'lose-replica' as const), device }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rotate' as const), shape }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('serve' as const), which: fc.nat(20) }) },
)

function play(steps: Step[], settle?: Settle): Simulator {
  let turn = 0
  // commits move the WAL by uneven amounts; a later LSN may be one above or far away
  const simulator = new Simulator(3, () => 1 + ((turn += 7) % 5), settle)
  for (const one of steps) simulator.run(one)
  simulator.finish()
  return simulator
}

test('whatever is lost, delayed or restarted: no flicker, nothing lost, nothing doubled, all devices agree', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => void play(steps)),
    { numRuns: 150, verbose: 1 },
  )
}, 60_000)

test('the schedules reach what they are for: refusals, dead dependants, many settled mutations', () => {
  const runs = fc
    .sample(fc.array(step, { minLength: 100, maxLength: 200, size: 'max' }), { numRuns: 40, seed: 7 })
    .map((steps) => play(steps))
  expect(runs.reduce((sum, run) => sum + run.server.applied.length, 0)).toBeGreaterThan(500)
  expect(
    runs.reduce((sum, run) => sum + run.devices.reduce((all, one) => all + one.dead.length, 0), 0),
  ).toBeGreaterThan(5)
}, 60_000)

test.each([
  ['settling at the answer', atTheAnswer],
  ['settling when one shape of several is there', atTheFirstShape],
])(
  'the simulator notices %s',
  (_, settle) => {
    const result = fc.check(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => void play(steps, settle)),
      { numRuns: 400, endOnFailure: true },
    )
    expect(String(result.errorInstance)).toContain('flicker')
  },
  60_000,
)
