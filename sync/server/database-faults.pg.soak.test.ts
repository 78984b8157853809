import { execFileSync } from 'node:child_process'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../server/kernel/migrate.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/kernel/postgres/embedded.ts'
import { makeDataDir } from '../../server/kernel/testing/data-dir.ts'
import { startShapeHarness, textRows, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { lines } from './testing-rows.ts'

const ROUNDS = Number(process.env['BANYAN_KILLS'] ?? 20)
const FILTERS = ['true', 'owner = 1', "owner = 2 and note <> 'x'", 'n > 500']
const migrations = path.resolve(import.meta.dirname, '../../migrations')

describe('a database that is killed, and stands still', () => {
  const dataDir = makeDataDir()
  let postgres: EmbeddedPostgres
  let harness: ShapeHarness

  beforeAll(async () => {
    postgres = await startEmbeddedPostgres({ dataDir: dataDir.path, log: () => undefined })
    await migrate(postgres.url, migrations)
    const openDatabase = () => Promise.resolve({ url: postgres.url, drop: () => Promise.resolve() })
    harness = await startShapeHarness({}, undefined, { openDatabase })
    await harness.db.query(
      `create table things (id int primary key, owner int, n int, note text);
       insert into things select g, g % 4, g, repeat('r', 80) from generate_series(1, 300) g`,
    )
  })
  afterAll(async () => {
    await harness.close()
    await postgres.stop()
    dataDir.remove()
  })

  it(
    `loses nothing, repeats nothing and keeps every handle (${ROUNDS} times)`,
    { timeout: ROUNDS * 15_000 },
    async () => {
      const replicas = FILTERS.flatMap((where) =>
        [false, true].map((liveSse) => ({
          where,
          replica: new StrictReplica(harness.stream({ table: 'things', where }, { liveSse, onError: () => ({}) })),
        })),
      )
      await expect.poll(() => replicas.every(({ replica }) => replica.upToDate), { timeout: 30_000 }).toBe(true)
      let writing = true
      let acknowledged = 0
      const write = async (): Promise<void> => {
        while (writing) {
          const from = random(400)
          const wide = random(10) === 0 ? 300 : 1 + random(6)
          const statement = [
            `insert into things select g, g % 4, ${random(1000)}, md5(g::text) from generate_series(${from}, ${from + wide}) g
           on conflict (id) do update set n = excluded.n, owner = ${random(4)}`,
            `update things set n = ${random(1000)}, note = repeat('x', ${1 + random(3)}) where id between ${from} and ${from + wide}`,
            `delete from things where id between ${from} and ${from + 3}`,
          ][random(3)]
          // What fails may be there all the same; the table says so in the end.
          await harness.db.query(statement ?? '').then(
            () => (acknowledged += 1),
            () => undefined,
          )
          await pause(random(25))
        }
      }
      const writers = [write(), write(), write()]
      for (let round = 0; round < ROUNDS; round += 1) {
        await pause(500 + random(2_000))
        const pids = await processes(postgres.url)
        if (round % 3 === 2) await standStill(pids)
        else process.kill(pids.at(random(pids.length)) ?? 0, 'SIGKILL')
      }
      writing = false
      await Promise.all(writers)
      expect(acknowledged).toBeGreaterThan(ROUNDS)
      for (const { where, replica } of replicas) {
        const expected = lines(await textRows(harness.db, `select * from things where ${where}`))
        await expect
          .poll(() => lines([...replica.rows.values()]), { timeout: 60_000, message: where })
          .toEqual(expected)
        expect([where, replica.faults, replica.refetches]).toEqual([where, [], 0])
      }
    },
  )
})

/** Sessions and replication; the postmaster starts anew when one of them dies. */
async function processes(url: string): Promise<number[]> {
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where backend_type in ('client backend', 'walsender') and pid <> pg_backend_pid()`,
      )
      await client.end()
      if (rows.length > 0) return rows.map(({ pid }) => pid)
    } catch {
      await client.end().catch(() => undefined)
    }
    await pause(200)
  }
}

async function standStill(pids: readonly number[]): Promise<void> {
  const postmaster = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pids[0])], { encoding: 'utf8' }))
  const all = [postmaster, ...pids]
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of all) {
      try {
        process.kill(pid, name)
      } catch {
        // It has ended by itself.
      }
    }
  }
  signal('SIGSTOP')
  await pause(3_000)
  signal('SIGCONT')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
