import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ShapeStream } from 'electric-sql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../server/kernel/testing/index.ts'
import { dropSlot } from './replication/slot.ts'
import { AS_TEXT, freePort, textRows } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { lines } from './testing-rows.ts'
import { generator } from './testing-random.ts'
import { SEED } from '../testing/seed.ts'

/** `npm run test:soak` kills more often. */
const KILLS = Number(process.env['BANYAN_KILLS'] ?? (process.env['BANYAN_SOAK'] ? 60 : 5))
const SECRET = 'durable'
/** Each with one owner of four is a shape of its own. */
const COLUMNS = ['id,n', 'id,note', 'id,owner,note']
const FILTERS = ['true', 'owner = 1', "owner = 2 and note <> 'x'", 'n > 500']

describe('the shape server, killed again and again', () => {
  let database: { url: string; drop: () => Promise<void> }
  let db: pg.Pool
  let directory: string
  let port: number
  let child: ChildProcess | undefined
  const ended = new AbortController()

  beforeAll(async () => {
    database = await createTestDatabase()
    db = new pg.Pool({ connectionString: database.url, max: 4, options: '-c synchronous_commit=on' })
    directory = await mkdtemp(path.join(tmpdir(), 'banyan-kill-'))
    port = await freePort()
    await db.query(`create table things (id int primary key, owner int, n int, note text);
      insert into things select g, g % 4, g, repeat('r', 80) from generate_series(1, 200) g`)
  })
  afterAll(async () => {
    ended.abort()
    await kill(child)
    await dropSlot(database.url)
    await db.end()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  const start = async (): Promise<void> => {
    child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        path.join(import.meta.dirname, 'testing-process.ts'),
        database.url,
        directory,
        String(port),
        SECRET,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const starting = child
    await new Promise<void>((resolve, reject) => {
      starting.stdout?.once('data', () => resolve())
      starting.once('exit', (code) => reject(new Error(`the shape server ended with ${code}`)))
    })
  }
  const replicaOf = (shape: Record<string, string>): StrictReplica =>
    new StrictReplica(
      new ShapeStream({
        url: `http://127.0.0.1:${port}/v1/shape`,
        params: { secret: SECRET, table: 'things', ...shape },
        signal: ended.signal,
        parser: AS_TEXT,
        backoffOptions: { initialDelay: 20, maxDelay: 200, multiplier: 2 },
      }),
    )

  it(
    `sends every change once and in order, under the same handles (seed ${SEED}, ${KILLS} kills)`,
    { timeout: 240_000 + KILLS * 5_000 },
    async () => {
      const random = generator(SEED)
      await start()
      const replicas: { where: string; columns?: string; replica: StrictReplica }[] = []
      const add = (shape: { where: string; columns?: string; mode?: string }): void => {
        const { mode: replica = 'default', ...rows } = shape
        replicas.push({ ...rows, replica: replicaOf({ ...rows, replica }) })
      }
      for (const where of FILTERS) for (const mode of ['default', 'full']) add({ where, mode })
      await expect.poll(() => replicas.every(({ replica }) => replica.upToDate), { timeout: 60_000 }).toBe(true)
      let writing = true
      const writers = [1, 2].map((writer) => write(db, generator(SEED + writer), () => writing))
      for (let kills = 0; kills < KILLS; kills += 1) {
        // Shapes that nobody has read yet: they are being made when the process dies, or have just been.
        for (const columns of COLUMNS) add({ where: `owner = ${kills % 4}`, columns })
        await new Promise((resolve) => setTimeout(resolve, random(400)))
        await kill(child)
        await start()
      }
      writing = false
      await Promise.all(writers)
      for (const { where, columns = '*', replica } of replicas) {
        const expected = lines(await textRows(db, `select ${columns} from things where ${where}`))
        await expect
          .poll(() => replica.faults.length > 0 || equal(lines([...replica.rows.values()]), expected), {
            timeout: 60_000,
            message: where,
          })
          .toBe(true)
        expect(replica.faults, where).toEqual([])
        expect(replica.refetches, where).toBe(0)
      }
    },
  )
})

/** Random transactions, a few of them big; two of three touch rows that are there already. */
async function write(db: pg.Pool, random: (below: number) => number, going: () => boolean): Promise<void> {
  while (going()) {
    const from = random(300)
    const wide = random(20) === 0 ? 300 : 1 + random(6)
    const what = random(3)
    await db
      .query(
        what === 0
          ? `insert into things select g, g % 4, ${random(1000)}, md5(g::text) from generate_series(${from}, ${from + wide}) g
             on conflict (id) do update set n = excluded.n, owner = ${random(4)}`
          : what === 1
            ? `update things set n = ${random(1000)}, note = case when note = 'x' then 'y' else repeat('x', ${1 + random(3)}) end
               where id between ${from} and ${from + wide}`
            : `delete from things where id between ${from} and ${from + Math.min(wide, 3)}`,
      )
      .catch((error: unknown) => {
        // Two writers in each other's way.
        if (!(error instanceof pg.DatabaseError) || error.code !== '40P01') throw error
      })
    await new Promise((resolve) => setTimeout(resolve, random(30)))
  }
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  child.removeAllListeners('exit')
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await gone
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.join('\n') === b.join('\n')
}
