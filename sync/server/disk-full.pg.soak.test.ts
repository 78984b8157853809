import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generator } from './testing-random.ts'
import { SEED } from '../testing/seed.ts'
import { silentLog } from './sync-log.ts'
import { startShapeHarness, textRows, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { lines } from './testing-rows.ts'

const ROUNDS = Number(process.env['BANYAN_ROUNDS'] ?? 12)
const DISK_BYTES = 64 * 1024 * 1024
const FILTERS = ['true', 'owner = 1', "owner = 2 and note <> 'x'"]

const disk = mkdtempSync(path.join(tmpdir(), 'banyan-small-disk-'))
const why = mountSmallDisk()

// Other than a device that is always full, a disk takes the beginning of a write and refuses the rest.
describe.skipIf(why !== undefined)(
  `a small disk that fills up again and again${why ? ` (skipped, for it needs a tmpfs: ${why})` : ''}`,
  () => {
    let harness: ShapeHarness
    let failures = 0

    beforeAll(async () => {
      const log = {
        ...silentLog,
        error: ({ event }: Record<string, unknown>) => event === 'sync.disk-failed' && (failures += 1),
      }
      harness = await startShapeHarness({
        directory: path.join(disk, 'log'),
        segmentSize: 256 * 1024,
        reconcileMs: 200,
        // No log loses its beginning: whoever fetches anew does so for the disk.
        limits: { chunkSize: 50_000, longLog: DISK_BYTES },
        log,
      })
      await harness.db.query(
        `create table things (id int primary key, owner int, note text);
       insert into things select g, g % 4, repeat('r', 80) from generate_series(1, 300) g`,
      )
    })
    afterAll(async () => {
      await harness.close()
      execFileSync('umount', [disk])
      rmSync(disk, { recursive: true })
    })

    const ballast = path.join(disk, 'ballast')
    const fill = async (): Promise<void> => {
      const { bavail, bsize } = await statfs(disk)
      // The log takes what is left meanwhile: then the disk is as full as it should be.
      await writeFile(ballast, Buffer.alloc(Math.max(0, (bavail - 4) * bsize))).catch((error: unknown) => {
        if (!String(error).includes('ENOSPC')) throw error
      })
    }

    it(
      `loses nothing, repeats nothing and keeps every handle (seed ${SEED})`,
      { timeout: ROUNDS * 30_000 },
      async () => {
        const random = generator(SEED)
        const replicas = FILTERS.flatMap((where) =>
          [false, true].map((liveSse) => ({
            where,
            replica: new StrictReplica(harness.stream({ table: 'things', where }, { liveSse, onError: () => ({}) })),
          })),
        )
        await expect.poll(() => replicas.every(({ replica }) => replica.upToDate), { timeout: 30_000 }).toBe(true)
        let writing = true
        const write = async (): Promise<void> => {
          while (writing) {
            const from = random(400)
            const wide = random(10) === 0 ? 200 : 1 + random(6)
            await harness.db.query(
              random(4) === 0
                ? `delete from things where id between ${from} and ${from + 3}`
                : `insert into things select g, g % 4, repeat(md5(random()::text), ${1 + random(3)}) from generate_series(${from}, ${from + wide}) g
               on conflict (id) do update set note = excluded.note, owner = ${random(4)}`,
            )
            await new Promise((resolve) => setTimeout(resolve, random(40)))
          }
        }
        const writer = write()
        for (let round = 0; round < ROUNDS; round += 1) {
          const before = failures
          await fill()
          await expect.poll(() => failures, { timeout: 10_000, interval: 20 }).toBeGreaterThan(before)
          await new Promise((resolve) => setTimeout(resolve, random(2_000)))
          await rm(ballast)
          await new Promise((resolve) => setTimeout(resolve, random(1_000)))
        }
        writing = false
        await writer
        for (const { where, replica } of replicas) {
          const expected = lines(await textRows(harness.db, `select * from things where ${where}`))
          await expect
            .poll(() => lines([...replica.rows.values()]), { timeout: 30_000, message: where })
            .toEqual(expected)
          expect([where, replica.faults, replica.refetches]).toEqual([where, [], 0])
        }
      },
    )
  },
)

/** Says why there can be none here. */
function mountSmallDisk(): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    rmSync(disk, { recursive: true })
    const said = error instanceof Error ? error.message : String(error)
    return said.split('\n').find((line) => line.startsWith('mount:')) ?? said
  }
}
