import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { ShapeStream } from 'electric-sql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, makeDataDir } from '../../server/kernel/testing/index.ts'
import { dropSlot } from './replication/slot.ts'
import { AS_TEXT, freePort, SECRET, textRows } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { outline } from './testing-rows.ts'

const POLLS = 20
const EVENT_STREAMS = 20
/** Long polls would go on for 20 s, event streams for 60. */
const SECONDS = 5
/** Every row is in each; one is decided by Postgres. */
const FILTERS = ["note = 'tick'", 'id > 0', "note in ('tick')"]

// The whole product in a process of its own: what its readers are told at its end depends on all that it stops, and when.
describe('a server process with many live readers that ends', () => {
  const data = makeDataDir()
  let database: { url: string; drop: () => Promise<void> }
  let db: pg.Pool
  let origin: string
  let child: ChildProcess | undefined
  const ended = new AbortController()
  const readers: { replica: StrictReplica; stream: ShapeStream }[] = []
  /** Live requests that are under way; and those that ended otherwise than with a whole answer. */
  const live = new Set<object>()
  const torn: { begun: number; reason: string }[] = []
  const statuses: number[] = []

  beforeAll(async () => {
    database = await createTestDatabase()
    db = new pg.Pool({ connectionString: database.url, max: 4, options: '-c synchronous_commit=on' })
    await db.query('create table ticks (id int primary key, note text)')
    origin = `http://127.0.0.1:${await freePort()}`
    await start()
    for (let reader = 0; reader < POLLS + EVENT_STREAMS; reader += 1) {
      const stream = new ShapeStream({
        url: `${origin}/v1/shape`,
        params: { secret: SECRET, table: 'ticks', where: FILTERS[reader % FILTERS.length] ?? 'true' },
        liveSse: reader >= POLLS,
        parser: AS_TEXT,
        signal: ended.signal,
        fetchClient: watched,
        onError: () => ({}),
        backoffOptions: { initialDelay: 50, maxDelay: 300, multiplier: 2 },
      })
      readers.push({ replica: new StrictReplica(stream), stream })
    }
  }, 120_000)
  afterAll(async () => {
    ended.abort()
    await end('SIGKILL')
    await dropSlot(database.url)
    await db.end()
    await database.drop()
    data.remove()
  })

  const start = async (): Promise<void> => {
    child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, '../../server/app/main.ts')],
      {
        env: {
          PATH: process.env['PATH'],
          DATA_DIR: data.path,
          DATABASE_URL: database.url,
          PORT: new URL(origin).port,
          LOG_LEVEL: 'fatal',
          ELECTRIC_SECRET: SECRET,
          BANYAN_SHAPE_ANY_TABLE: '1',
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    const health = (): Promise<number> =>
      fetch(`${origin}/v1/health`).then(
        ({ status }) => status,
        () => 0,
      )
    while ((await health()) !== 200) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const end = async (signal: NodeJS.Signals): Promise<unknown> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return undefined
    const exit = once(child, 'exit')
    child.kill(signal)
    return (await exit)[0]
  }
  const watched: typeof fetch = async (input, init) => {
    const begun = performance.now()
    const request = { input }
    if (String(input).includes('live=true')) live.add(request)
    const tear = (reason: unknown): void => {
      live.delete(request)
      torn.push({ begun, reason: String(reason) })
    }
    try {
      const answer = await fetch(input, init)
      const whole = answer.clone().arrayBuffer()
      void whole.then(() => live.delete(request) && statuses.push(answer.status), tear)
      return answer
    } catch (error) {
      tear(error)
      throw error
    }
  }
  const write = (from: number, count: number): Promise<unknown> =>
    db.query(`insert into ticks select n, 'tick' from generate_series($1::int, $2::int) n`, [from, from + count - 1])
  const expectEqual = async (): Promise<void> => {
    const expected = outline(await textRows(db, 'select * from ticks'))
    for (const [reader, { replica }] of readers.entries()) {
      const message = `reader ${reader}`
      await expect.poll(() => outline([...replica.rows.values()]), { timeout: 20_000, message }).toBe(expected)
      expect([message, replica.faults, replica.refetches]).toEqual([message, [], 0])
    }
  }
  /** Inserts go on until the returned function is called, and settle with it. */
  const writing = (from: number) => {
    let going = true
    const all = (async () => {
      for (let id = from; going; id += 3) await write(id, 3)
    })()
    return () => {
      going = false
      return all
    }
  }

  it(
    'by SIGTERM: within seconds, with a whole answer to each, who lose nothing and get nothing twice',
    { timeout: 90_000 },
    async () => {
      await write(1, 30)
      await expectEqual()
      await expect.poll(() => live.size).toBe(readers.length)
      const handles = readers.map(({ stream }) => stream.shapeHandle)
      const stop = writing(1_000)
      await new Promise((resolve) => setTimeout(resolve, 300))
      statuses.length = 0
      torn.length = 0
      const asked = performance.now()
      expect(await end('SIGTERM')).toBe(0)
      expect(performance.now() - asked).toBeLessThan(SECONDS * 1_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(torn.filter(({ begun }) => begun < asked)).toEqual([])
      expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
      await stop()
      await start()
      await write(100, 30)
      await expectEqual()
      expect(readers.map(({ stream }) => stream.shapeHandle)).toEqual(handles)
    },
  )

  it('by kill -9: who come back lose nothing and get nothing twice', { timeout: 90_000 }, async () => {
    const handles = readers.map(({ stream }) => stream.shapeHandle)
    const stop = writing(10_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await end('SIGKILL')
    await stop()
    await start()
    await write(200, 30)
    await expectEqual()
    expect(readers.map(({ stream }) => stream.shapeHandle)).toEqual(handles)
  })
})
