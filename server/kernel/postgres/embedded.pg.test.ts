import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPostmasterFile, stopPostmaster } from './postmaster.ts'

interface Held {
  url: string
  socketUrl: string | undefined
  pid: number
  adopted: boolean
  child: ChildProcess
}

const holder = path.resolve(import.meta.dirname, '../testing/hold-postgres.ts')
let parent: string
let dataDir: string
let children: ChildProcess[]
const socketDirs = new Set<string>()

beforeEach(() => {
  // Spaces, Chinese, quotes: where people really put things.
  parent = mkdtempSync(path.join(tmpdir(), "banyan 榕树's "))
  chmodSync(parent, 0o755)
  dataDir = path.join(parent, '数据 data')
  children = []
})

afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL')
  const cluster = clusterFolder()
  const left = cluster && readPostmasterFile(cluster)
  if (cluster && left && left.pid !== process.pid) await stopPostmaster(left.pid, cluster)
  if (cluster && !cluster.startsWith(parent)) rmSync(path.dirname(cluster), { recursive: true, force: true })
  for (const folder of socketDirs) rmSync(folder, { recursive: true, force: true })
  rmSync(parent, { recursive: true, force: true })
})

test('a fresh cluster is UTF-8 in an empty environment, ready for logical replication, and closed to the network', async () => {
  const held = await hold()
  const [facts] = await query(
    held.url,
    `select current_setting('wal_level') as wal, current_setting('server_encoding') as encoding, current_setting('listen_addresses') as listens,
            (select concat(datlocprovider, ':', datlocale) from pg_database where datname = current_database()) as locale, length('榕树') as length`,
  )
  expect(facts).toEqual({ wal: 'logical', encoding: 'UTF8', listens: '127.0.0.1', locale: 'b:C.UTF-8', length: 2 })
  expect(statSync(path.join(dataDir, 'postgres/state.json')).mode & 0o777).toBe(0o600)
  if (held.socketUrl) expect(await query(held.socketUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await expect(query(held.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
    /password authentication failed/,
  )
})

test('an orderly stop ends Postgres, and the next start finds the data', async () => {
  const first = await hold()
  await query(first.url, 'create table kept as select 42 as answer')
  expect(await end(first.child, 'SIGTERM')).toBe(0)
  expect(isAlive(first.pid)).toBe(false)
  const second = await hold()
  expect(second.adopted).toBe(false)
  expect(second.url).toBe(first.url)
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a Postgres left behind by kill -9 is taken over, not started a second time', async () => {
  const first = await hold()
  await query(first.url, 'create table kept as select 42 as answer')
  await end(first.child, 'SIGKILL')
  expect(isAlive(first.pid)).toBe(true)
  const second = await hold()
  expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url })
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  expect(await end(second.child, 'SIGTERM')).toBe(0)
  expect(isAlive(first.pid)).toBe(false)
})

test('after a kill -9 of both, the next start recovers what was committed', async () => {
  const first = await hold()
  await query(first.url, 'create table kept as select 42 as answer')
  await end(first.child, 'SIGKILL')
  process.kill(first.pid, 'SIGKILL')
  const second = await hold()
  expect(second.adopted).toBe(false)
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a pid in postmaster.pid that now belongs to another program is left alone', async () => {
  const first = await hold()
  await end(first.child, 'SIGKILL')
  process.kill(first.pid, 'SIGKILL')
  const bystander = spawn('sleep', ['60'])
  children.push(bystander)
  const file = path.join(dataDir, 'postgres/cluster/postmaster.pid')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(bystander.pid)))
  const second = await hold()
  expect(second.adopted).toBe(false)
  expect(bystander.exitCode).toBeNull()
})

test('a second server on the same data directory is refused in one sentence, and the first is not disturbed', async () => {
  const first = await hold()
  const refused = await tryHold()
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(
    new RegExp(`^数据目录 .* 正被另一个 Banyan 使用（进程 ${first.child.pid}）.*\n.*in use by another Banyan.*\n$`),
  )
  expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a start that was killed during initdb is begun again', async () => {
  mkdirSync(path.join(dataDir, 'postgres/initdb-1/cluster'), { recursive: true })
  const held = await hold()
  expect(await query(held.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(existsSync(path.join(dataDir, 'postgres/initdb-1'))).toBe(false)
})

test('a port that another program has taken meanwhile is exchanged', async () => {
  const first = await hold()
  await end(first.child, 'SIGTERM')
  const squatter = net.createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
  await once(squatter, 'listening')
  const second = await hold()
  squatter.close()
  expect(new URL(second.url).port).not.toBe(new URL(first.url).port)
  expect(readState()?.port).toBe(Number(new URL(second.url).port))
})

test('a cluster that has disappeared is an error, not an empty database', async () => {
  const first = await hold()
  await end(first.child, 'SIGTERM')
  rmSync(path.join(dataDir, 'postgres/cluster'), { recursive: true })
  const refused = await tryHold()
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/database folder .* is gone/)
})

test('a data directory that was moved or restored as a whole keeps working', async () => {
  const first = await hold()
  await query(first.url, 'create table kept as select 42 as answer')
  await end(first.child, 'SIGTERM')
  const moved = path.join(parent, 'moved')
  cpSync(dataDir, moved, { recursive: true, preserveTimestamps: true })
  rmSync(dataDir, { recursive: true })
  dataDir = moved
  const second = await hold()
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a copy of a data directory has a cluster of its own', async () => {
  const first = await hold()
  await end(first.child, 'SIGTERM')
  const original = dataDir
  dataDir = path.join(parent, 'copy')
  cpSync(original, dataDir, { recursive: true })
  const copy = await hold()
  await query(copy.url, 'create table only_here as select 1 as one')
  await end(copy.child, 'SIGTERM')
  dataDir = original
  const again = await hold()
  expect(await query(again.url, `select to_regclass('only_here') as found`)).toEqual([{ found: null }])
})

test.runIf(process.getuid?.() === 0)(
  'root in a private home keeps the cluster where Postgres can enter it',
  async () => {
    mkdirSync(path.join(parent, 'private'), { mode: 0o700 })
    dataDir = path.join(parent, 'private/data')
    const first = await hold()
    await query(first.url, 'create table kept as select 42 as answer')
    expect(readState()?.home).toMatch(/^\/var\/lib\/banyan\//)
    await end(first.child, 'SIGTERM')
    const second = await hold()
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  },
)

async function hold(): Promise<Held> {
  const child = start()
  const stdout = child.stdout
  if (!stdout) throw new Error('no stdout')
  let text = ''
  child.stderr?.pipe(process.stderr)
  for await (const chunk of stdout) {
    text += String(chunk)
    if (!text.includes('\n')) continue
    const held: Held = { ...JSON.parse(text), child }
    socketDirs.add(new URLSearchParams(held.socketUrl?.split('?')[1]).get('host') ?? parent)
    return held
  }
  throw new Error('ended before it was ready')
}

async function tryHold(): Promise<{ code: number | null; stderr: string }> {
  const child = start()
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  await once(child, 'close')
  return { code: child.exitCode, stderr }
}

function start(): ChildProcess {
  // An empty environment, as in a bare container: no LANG, no HOME.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', holder, dataDir], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  await once(child, 'exit')
  return child.exitCode
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return process.platform !== 'linux' || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

function clusterFolder(): string | undefined {
  const state = readState()
  return state && path.resolve(dataDir, 'postgres', state.home, 'cluster')
}

function readState(): { home: string; port: number } | undefined {
  const file = path.join(dataDir, 'postgres/state.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
