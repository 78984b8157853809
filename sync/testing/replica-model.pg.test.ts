import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, commands } from './model/commands.ts'
import { FLAWS } from './model/flaws.ts'
import { prepareGround, World, type Flaw, type Ground } from './model/world.ts'
import { SEED } from './seed.ts'

const SOAK = process.env['BANYAN_SOAK'] === '1'
const RUNS = SOAK ? 300 : 4
/** Runs that may be needed to find a flaw. */
const MOST_RUNS = 60

let ground: Ground
beforeAll(async () => {
  ground = await prepareGround(2)
})
afterAll(() => ground.close())

/** One run of commands to its end. */
async function play(
  these: Iterable<fc.AsyncCommand<Awaited<ReturnType<typeof begin>>, World>>,
  flaw?: Flaw,
): Promise<void> {
  const world = await World.open(ground, flaw)
  try {
    const people = await begin(world)
    await fc.asyncModelRun(() => ({ model: people, real: world }), these)
    await world.finish()
  } finally {
    await world.close()
  }
}

test(
  `pusher, settler, rebaser and applier on PGlite agree with the server on Postgres, whatever happens between them (I1, I2, I3, I4) [seed ${SEED}]`,
  async () => {
    await fc.assert(
      fc.asyncProperty(commands(30), (these) => play(these)),
      {
        seed: SEED,
        numRuns: RUNS,
        // what depends on time shrinks badly: the seed and the commands are enough to look at it again
        endOnFailure: true,
      },
    )
  },
  60_000 + RUNS * 10_000,
)

test.each(FLAWS)(
  'the model notices $name',
  async (flaw) => {
    const found = await fc.check(
      fc.asyncProperty(commands(30), (these) => play(these, flaw)),
      { seed: 1, numRuns: MOST_RUNS, endOnFailure: true },
    )
    expect(String(found.errorInstance)).toMatch(flaw.says)
  },
  MOST_RUNS * 10_000,
)
