import fc from 'fast-check'
import { SHAPE_NAMES } from '../protocol/shapes.ts'
import type { End } from './sim-device.ts'
import type { PushFate } from './sim-pusher.ts'

const ACTS = [
  'create',
  'rename',
  'send',
  'choose',
  'prefer',
  'note',
  'draft',
  'edit',
  'save',
  'delete',
  'poison',
] as const
export type Act = (typeof ACTS)[number]

/** One thing that happens; numbers are taken modulo what there is. */
export type Step =
  | { do: 'act'; act: Act; device: number; which: number }
  /**
   * The device makes so many `steps` of a push or a poll, and the rest later, if it lives. `other`: if there is an
   * engine that should have stopped, that one does it.
   */
  | { do: 'push'; device: number; fate: PushFate; steps: number; end?: End; other: boolean }
  | { do: 'poll'; device: number; shape: number; live: boolean; steps: number; end?: End; other: boolean }
  | { do: 'continue'; device: number; which: number; steps: number }
  | { do: 'end'; device: number; how: End }
  /** It is left alone with a good line for a while. */
  | { do: 'catch up'; device: number }
  | { do: 'steal'; device: number }
  /** The person agrees to send what has grown old. */
  | { do: 'agree'; device: number }
  | { do: 'lose replica' | 'write behind' | 'deliver'; device: number }
  | { do: 'line' | 'session'; device: number; on: boolean }
  | { do: 'clock'; device: number; skew: number }
  | { do: 'disk trouble'; device: number; times: number }
  | { do: 'rotate'; shape: number }
  | { do: 'stall'; shape: number; still: boolean }
  | { do: 'withdraw'; shape: number }
  | { do: 'restart server' | 'move server' }
  | { do: 'pages'; size: number }
  /** More than a day goes by. */
  | { do: 'day' }
  | { do: 'answer' | 'purge'; which: number }

const device = fc.nat(2)
const which = fc.nat(30)
const ALL = SHAPE_NAMES.map((_, index) => index)
const shape = fc.constantFrom(...ALL)
/** Mostly to the end, sometimes only part of the way. */
const steps = fc.oneof({ weight: 1, arbitrary: fc.constant(100) }, { weight: 1, arbitrary: fc.nat(12) })
const how = fc.constantFrom<End>('closed', 'killed')
const MINUTE = 60_000
const SKEWS = [-60 * MINUTE, -MINUTE, 0, 4 * MINUTE, 60 * MINUTE]

/** What people mostly do. */
const OFTEN: readonly Act[] = ['rename', 'send', 'choose', 'prefer', 'edit', 'save']
const USUAL: readonly Act[] = [...OFTEN, ...OFTEN, 'note', 'create', 'draft', 'delete']
const fate = fc.oneof(
  { weight: 3, arbitrary: fc.constant<PushFate>('fine') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<PushFate>('request lost', 'answer lost', 'twice', 'late', 'gateway trouble'),
  },
)
const one = <const T extends Step['do']>(...what: T[]) => fc.constantFrom(...what)

/** A schedule's steps, in the shares in which they find the most. */
function stepOf({ acts = USUAL, shapes = ALL, more = [] }: Focus): fc.Arbitrary<Step> {
  const some = (weight: number, what: Step['do'], arbitrary: fc.Arbitrary<Step>) => ({
    weight: more.includes(what) ? weight * 6 : weight,
    arbitrary,
  })
  const going = { weight: more.includes('end') ? 2 : 9, arbitrary: fc.constant(undefined) }
  // now and then the process ends right there
  const work = { device, steps, end: fc.oneof(going, { weight: 1, arbitrary: how }), other: fc.boolean() }
  return fc.oneof(
    some(16, 'act', fc.record({ do: one('act'), act: fc.constantFrom(...acts), device, which })),
    some(12, 'push', fc.record({ do: one('push'), fate, ...work })),
    some(24, 'poll', fc.record({ do: one('poll'), shape: fc.constantFrom(...shapes), live: fc.boolean(), ...work })),
    some(8, 'continue', fc.record({ do: one('continue'), device, which, steps: fc.integer({ min: 1, max: 20 }) })),
    some(3, 'catch up', fc.record({ do: one('catch up'), device })),
    some(2, 'end', fc.record({ do: one('end'), device, how })),
    some(2, 'steal', fc.record({ do: one('steal'), device })),
    some(2, 'agree', fc.record({ do: one('agree'), device })),
    some(1, 'day', fc.record({ do: one('day') })),
    some(2, 'lose replica', fc.record({ do: one('lose replica', 'write behind', 'deliver'), device })),
    some(2, 'line', fc.record({ do: one('line', 'session'), device, on: fc.boolean() })),
    some(2, 'clock', fc.record({ do: one('clock'), device, skew: fc.constantFrom(...SKEWS) })),
    some(1, 'disk trouble', fc.record({ do: one('disk trouble'), device, times: fc.integer({ min: 1, max: 3 }) })),
    some(2, 'rotate', fc.record({ do: one('rotate'), shape })),
    some(3, 'stall', fc.record({ do: one('stall'), shape, still: fc.boolean() })),
    some(1, 'pages', fc.record({ do: one('pages'), size: fc.constantFrom(1, 2, 5, 1000) })),
    some(3, 'answer', fc.record({ do: one('answer'), which })),
    some(1, 'purge', fc.record({ do: one('purge'), which })),
  )
}

/** What happens seldom: each schedule has some of it, at any place. */
const upheaval: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: one('restart server', 'move server') }),
  // not the acks: who may read nothing of them may read nothing at all
  fc.record({ do: one('withdraw'), shape: fc.integer({ min: 1, max: SHAPE_NAMES.length - 1 }) }),
  fc.record({ do: one('act'), act: fc.constant<Act>('poison'), device, which }),
)

/** What schedules are about, when they are not about everything. */
export interface Focus {
  acts?: readonly Act[]
  /** The shapes that are polled one by one, by their places in `SHAPE_NAMES`. */
  shapes?: readonly number[]
  /** What happens more often. */
  more?: readonly Step['do'][]
}

export interface Schedule {
  devices: number
  steps: Step[]
}

/** A schedule of at most so many steps. */
export function schedule(length: number, focus: Focus = {}): fc.Arbitrary<Schedule> {
  const steps = fc.array(stepOf(focus), { maxLength: length, size: 'max' })
  const upheavals = fc.array(fc.tuple(fc.nat(length), upheaval), { maxLength: 2 })
  return fc.tuple(fc.integer({ min: 1, max: 3 }), steps, upheavals).map(([devices, most, rest]) => {
    const all = [...most]
    for (const [at, what] of rest) all.splice(at, 0, what)
    return { devices, steps: all }
  })
}
