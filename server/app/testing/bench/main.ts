import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { newId } from '../../../../shared/kernel/id.ts'
import { projectRoot } from '../../env.ts'
import { createApiUser } from './api-user.ts'
import { quantile, round, wait } from './figures.ts'
import { pageWeight } from './page-weight.ts'
import { freePort, startChild, stopChild, usageOf } from './processes.ts'
import { runReplicaBench } from './replica.ts'
import { runSyncBench } from './sync.ts'
import { createVirtualUser, type TurnTimes, type VirtualUser } from './virtual-user.ts'

/**
 * `npm run bench`: the product over its real paths against a mock model of its own (first token after 200 ms, then 30
 * a second, 100 in all). CPU is that of the server's process and of every Postgres process, per finished turn; the
 * clients and the mock are processes of their own and not counted. Options: `--levels=1,10,50`, `--seconds=12`,
 * `--skip-pauses`, `--skip-sync`, `--skip-replica`, `--json=FILE`.
 */
const options = new Map(
  process.argv
    .slice(2)
    .map((word) => [word.replace(/^--|=.*$/g, ''), word.includes('=') ? word.slice(word.indexOf('=') + 1) : 'yes']),
)
const levels = (options.get('levels') ?? '1,10,50,100,300').split(',').filter(Boolean).map(Number)
const seconds = Number(options.get('seconds') ?? 12)
const IDEAL_FIRST_TOKEN_MS = 200
const IDEAL_TURN_MS = 3_500

interface LevelResult {
  users: string
  turns_per_second: number
  cpu_ms_per_turn: number
  cpu_ms_node: number
  cpu_ms_postgres: number
  cores: number
  first_token_p50: number
  first_token_p99: number
  hold_p50: number
  hold_p99: number
  turn_p50: number
  node_rss_mb: number
  postgres_pss_mb: number
  turns: number
  errors: number
  load_before: number
}

const say = (text: string) => process.stderr.write(`${text}\n`)

async function main(): Promise<void> {
  const data_dir = await mkdtemp(path.join(tmpdir(), 'banyan-bench-'))
  const mock = await startChild(
    'server/app/testing/mock-model.ts',
    ['0', '200', '30', '100', '--stamped'],
    {},
    /http:\S+/,
  )
  const port = await freePort()
  const env = {
    DATA_DIR: data_dir,
    PORT: String(port),
    OPENAI_BASE_URL: mock.line,
    OPENAI_MODEL: 'mock',
    // Without an administrator every page is the set-up page.
    BANYAN_ADMIN_EMAIL: 'admin@example.com',
    BANYAN_ADMIN_PASSWORD: randomBytes(18).toString('base64url'),
    LOG_LEVEL: 'warn',
    // For the part on synchronisation alone.
    ELECTRIC_SECRET: randomBytes(18).toString('base64url'),
    BANYAN_SHAPE_ANY_TABLE: '1',
  }
  try {
    const first = await timedStart(env)
    await stopChild(first.child)
    const second = await timedStart(env)
    const origin = `http://127.0.0.1:${port}`
    const people = await makePeople(data_dir, Math.max(1, ...levels, options.has('skip-pauses') ? 0 : 1000))
    const measure = { origin, people, server_pid: second.child.pid ?? 0, postmaster: await postmasterPid(data_dir) }
    const idle = usageOf(measure.server_pid, measure.postmaster)
    const results: LevelResult[] = []
    for (const users of levels)
      results.push(
        await runLevel(measure, { users, make: device, pause: moment, name: String(users), warm: 6, seconds }),
      )
    if (levels.includes(100))
      results.push(
        await runLevel(measure, { users: 100, make: program, pause: moment, name: '100 over /v1', warm: 6, seconds }),
      )
    if (!options.has('skip-pauses')) {
      results.push(
        await runLevel(measure, {
          users: 1000,
          make: device,
          pause: () => 15_000 + Math.random() * 30_000,
          name: '1000, 30 s pauses',
          warm: 30,
          seconds: 45,
        }),
      )
    }
    const sync = options.has('skip-sync')
      ? undefined
      : await runSyncBench(
          {
            origin,
            secret: env.ELECTRIC_SECRET,
            database: await databaseUrl(data_dir),
            usage: () => usageOf(measure.server_pid, measure.postmaster),
          },
          say,
        )
    const replica = options.has('skip-replica')
      ? undefined
      : await runReplicaBench({ origin, database: await databaseUrl(data_dir), cookie: people[0]?.cookie ?? '', agent })
    const report = {
      node: process.version,
      start: {
        first_ever_ms: first.ms,
        again_ms: second.ms,
        idle_rss_mb: round(idle.node_rss),
        idle_postgres_pss_mb: round(idle.postgres_pss),
      },
      page: await pageWeight(path.join(projectRoot, 'dist/client'), origin, people[0]?.cookie ?? ''),
      levels: results,
      sync,
      replica,
    }
    printTable(report.levels)
    say(
      `start: first ever ${first.ms} ms, again ${second.ms} ms; idle ${report.start.idle_rss_mb} MB + Postgres ${report.start.idle_postgres_pss_mb} MB`,
    )
    say(`page: ${JSON.stringify(report.page)}`)
    say(`replica: ${JSON.stringify(report.replica)}`)
    const json = JSON.stringify(report, null, 2)
    process.stdout.write(`${json}\n`)
    const file = options.get('json')
    if (file) await writeFile(file, json)
    await stopChild(second.child)
  } finally {
    await stopChild(mock.child)
    await rm(data_dir, { recursive: true, force: true })
  }
}

async function timedStart(env: Record<string, string>) {
  const before = performance.now()
  const { child } = await startChild('server/app/main.ts', [], env, /http:\/\/127\.0\.0\.1:\d+/)
  return { child, ms: Math.round(performance.now() - before) }
}

interface Person {
  cookie: string
  api_key: string
}

interface Measured {
  origin: string
  people: Person[]
  server_pid: number
  postmaster: number
}

type Make = (origin: string, person: Person) => VirtualUser

const device: Make = (origin, { cookie }) => createVirtualUser(origin, cookie, agent)
const program: Make = (origin, { api_key }) => createApiUser(origin, api_key)
/** Between an answer and the next question, ms. */
const moment = () => 15 + Math.random() * 30

let agent = { agent_id: '', agent_version_id: '' }

/** Accounts and sessions straight into the tables: a thousand password hashes would take a minute and are not what is measured. */
async function makePeople(data_dir: string, count: number): Promise<Person[]> {
  const secret = (await readFile(path.join(data_dir, 'session-secret'), 'utf8')).trim()
  const db = new pg.Client({ connectionString: await databaseUrl(data_dir) })
  await db.connect()
  const people = Array.from({ length: count }, () => {
    const token = randomBytes(24).toString('base64url')
    const signature = createHmac('sha256', secret).update(token).digest('base64')
    return {
      id: newId(),
      session: newId(),
      token,
      cookie: `banyan.session_token=${encodeURIComponent(`${token}.${signature}`)}`,
      api_key: `bny_${token}`,
    }
  })
  const columns = [people.map(({ id }) => id), people.map(({ session }) => session), people.map(({ token }) => token)]
  await db.query(
    "insert into users (id, name, email) select id, 'bench', id || '@example.com' from unnest($1::uuid[]) as r(id)",
    [columns[0]],
  )
  await db.query(
    `insert into sessions (id, user_id, token, expires_at) select session, id, token, now() + interval '1 day'
     from unnest($1::uuid[], $2::uuid[], $3::text[]) as r(id, session, token)`,
    columns,
  )
  await db.query(
    `insert into api_keys (id, user_id, name, prefix, key_hash)
     select id, id, 'bench', 'bny_', hash from unnest($1::uuid[], $2::bytea[]) as r(id, hash)`,
    [columns[0], people.map(({ api_key }) => createHash('sha256').update(api_key).digest())],
  )
  const { rows } = await db.query<{ agent_id: string; agent_version_id: string }>(
    "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
  )
  agent = rows[0] ?? agent
  await db.end()
  return people
}

/** Asks the project's own command, as a person would. */
async function databaseUrl(data_dir: string): Promise<string> {
  const { line } = await startChild('server/launch/db-url.mjs', [], { DATA_DIR: data_dir }, /postgres\S+/).catch(
    (error: Error) => ({
      line: /postgres\S+/.exec(error.message)?.[0] ?? '',
    }),
  )
  if (!line) throw new Error('npm run db:url gave no address')
  return line
}

async function postmasterPid(data_dir: string): Promise<number> {
  const db = new pg.Client({ connectionString: await databaseUrl(data_dir) })
  await db.connect()
  const { rows } = await db.query<{ directory: string }>("select current_setting('data_directory') as directory")
  await db.end()
  const text = await readFile(path.join(rows[0]?.directory ?? '', 'postmaster.pid'), 'utf8')
  return Number(text.split('\n')[0])
}

async function runLevel(
  measured: Measured,
  level: { users: number; make: Make; pause: () => number; name: string; warm: number; seconds: number },
): Promise<LevelResult> {
  const load_before = loadavg()[0] ?? 0
  const users: VirtualUser[] = []
  for (let from = 0; from < level.users; from += 20) {
    const batch = measured.people
      .slice(from, Math.min(from + 20, level.users))
      .map((person) => level.make(measured.origin, person))
    await Promise.all(batch.map((user) => user.connect()))
    users.push(...batch)
  }
  let running = true
  let recording = false
  const times: TurnTimes[] = []
  const errors: string[] = []
  const loops = users.map(async (user) => {
    // Spread over a whole turn: people do not press Enter in the same moment, and a burst would measure itself.
    await wait(Math.random() * (IDEAL_TURN_MS + 2 * level.pause()))
    while (running) {
      try {
        const turn = await user.turn()
        if (recording) times.push(turn)
      } catch (error) {
        if (running && recording) errors.push(error instanceof Error ? error.message : String(error))
        if (running) await wait(500)
      }
      await wait(level.pause())
    }
  })
  await wait(level.warm * 1000)
  const before = usageOf(measured.server_pid, measured.postmaster)
  const started = performance.now()
  recording = true
  await wait(level.seconds * 1000)
  recording = false
  const elapsed = (performance.now() - started) / 1000
  const after = usageOf(measured.server_pid, measured.postmaster)
  running = false
  await Promise.race([Promise.all(loops), wait(8_000)])
  for (const user of users) user.close()
  for (const message of new Set(errors)) say(`  ${level.name}: ${message}`)
  const turns = Math.max(1, times.length)
  const node = ((after.node - before.node) * 1000) / turns
  const postgres = ((after.postgres - before.postgres) * 1000) / turns
  const holds = times.flatMap((turn) => turn.holds)
  const first = times.map((turn) => turn.first_token - IDEAL_FIRST_TOKEN_MS)
  const result = {
    users: level.name,
    turns_per_second: round(times.length / elapsed),
    cpu_ms_per_turn: round(node + postgres),
    cpu_ms_node: round(node),
    cpu_ms_postgres: round(postgres),
    cores: round((after.node - before.node + after.postgres - before.postgres) / elapsed),
    first_token_p50: quantile(first, 0.5),
    first_token_p99: quantile(first, 0.99),
    hold_p50: quantile(holds, 0.5),
    hold_p99: quantile(holds, 0.99),
    turn_p50: quantile(
      times.map((turn) => turn.total),
      0.5,
    ),
    node_rss_mb: round(after.node_rss),
    postgres_pss_mb: round(after.postgres_pss),
    turns: times.length,
    errors: errors.length,
    load_before: round(load_before),
  }
  say(`${level.name} users: ${JSON.stringify(result)}`)
  return result
}

function printTable(rows: readonly LevelResult[]): void {
  const columns: [string, (row: LevelResult) => string][] = [
    ['users', (row) => row.users],
    ['turns/s', (row) => String(row.turns_per_second)],
    ['CPU ms/turn (node + pg)', (row) => `${row.cpu_ms_per_turn} (${row.cpu_ms_node} + ${row.cpu_ms_postgres})`],
    ['cores', (row) => String(row.cores)],
    ['first token above model p50/p99 ms', (row) => `${row.first_token_p50} / ${row.first_token_p99}`],
    ['hold p50/p99 ms', (row) => `${row.hold_p50} / ${row.hold_p99}`],
    ['turn p50 ms', (row) => String(row.turn_p50)],
    ['RSS + PSS MB', (row) => `${row.node_rss_mb} + ${row.postgres_pss_mb}`],
    ['errors', (row) => `${row.errors} of ${row.turns}`],
  ]
  say(`\n| ${columns.map(([name]) => name).join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`)
  for (const row of rows) say(`| ${columns.map(([, text]) => text(row)).join(' | ')} |`)
  say('')
}

await main()
process.exit(0)
