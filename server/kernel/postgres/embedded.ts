import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { prepareBinaries, type Binaries } from './binaries.ts'
import { makeFolders } from '../make-folders.ts'
import { explain } from './explain.ts'
import { freePort, openHome, portIsFree, type Home } from './home.ts'
import { initialiseCluster } from './initialise.ts'
import { lockDataDir } from './lock.ts'
import { disownPostmasterFile, isGone, isPostmasterOf, readPostmasterFile, stopPostmaster } from './postmaster.ts'
import { embeddedSettings } from './settings.ts'

/** Writes one structured line: event name, fields (ids and numbers, not content). */
export type EventLog = (event: string, fields?: Record<string, unknown>) => void

export interface EmbeddedPostgresOptions {
  /** Made when missing. Everything the database keeps is in there (or named there, see `Home`). */
  dataDir: string
  log: EventLog
  /** More settings, or other values than `embeddedSettings`. */
  settings?: Record<string, string> | undefined
  /** Gives up the start: what has been started by then is stopped, and the promise rejects. */
  signal?: AbortSignal | undefined
}

export interface EmbeddedPostgres {
  /** Of the product's database, by TCP on 127.0.0.1, as superuser. */
  url: string
  /** The same by Unix socket, which costs less CPU a statement; undefined where there is none (Windows). */
  socketUrl: string | undefined
  port: number
  /** The postmaster's process id. */
  pid: number
  /** True when a Postgres left behind by a killed server was taken over. */
  adopted: boolean
  /** Ends Postgres cleanly and frees the data directory. Close pools first. */
  stop(): Promise<void>
}

/**
 * Starts the Postgres that npm brought, or takes over the one that a killed server left running on this data directory.
 * One process per data directory: a second one gets a ConfigurationError. It never hooks signals: call `stop()`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const began = Date.now()
  makeDataDir(options.dataDir)
  const lock = await lockDataDir(options.dataDir)
  try {
    const home = await openHome(options.dataDir)
    const binaries = prepareBinaries(home.folder, home.runAs)
    const settings = { ...embeddedSettings, ...options.settings }
    const { log, signal } = options
    signal?.throwIfAborted()
    await initialiseCluster(home, binaries, { sync: settings['fsync'] !== 'off', log, signal })
    signal?.throwIfAborted()

    const fingerprint = fingerprintOf(binaries, settings)
    const orphan = await settleOrphan(home, fingerprint, options.log)
    const first = orphan ?? (await launch(home, binaries, settings, options))
    home.state.fingerprint = fingerprint
    home.save()
    await createDatabase(home)
    const kept = keepAlive(first, () => relaunch(home, binaries, settings, options), options.log)
    options.log('postgres.ready', { port: home.state.port, adopted: orphan !== undefined, ms: Date.now() - began })
    return {
      url: urlOf(home, home.state.database),
      socketUrl: socketUrlOf(home),
      port: home.state.port,
      get pid() {
        return kept.pid()
      },
      adopted: orphan !== undefined,
      stop: async () => {
        await kept.stop()
        await stopPostmaster(kept.pid(), home.cluster)
        if (home.socketDir) rmSync(home.socketDir, { recursive: true, force: true })
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw explain(error, options.dataDir)
  }
}

/** Between two looks at the postmaster; also before the next attempt to start it again. */
const LOOK_MS = 1000

/** A Postgres that ends by itself (killed for want of memory, or by mistake) is started again; pools find it by its port. */
function keepAlive(first: number, again: () => Promise<number>, log: EventLog) {
  let pid = first
  let work: Promise<void> | undefined
  const timer = setInterval(() => {
    if (work || !isGone(pid)) return
    log('postgres.lost', { pid })
    work = again()
      .then(
        (next) => {
          pid = next
          log('postgres.again', { pid })
        },
        (error: unknown) => log('postgres.not-again', { reason: String(error) }),
      )
      .finally(() => (work = undefined))
  }, LOOK_MS)
  timer.unref()
  return {
    pid: () => pid,
    stop: async () => {
      clearInterval(timer)
      await work
    },
  }
}

/** On the port that it had: everybody has its address. */
async function relaunch(...given: Parameters<typeof launch>): Promise<number> {
  const [{ state }] = given
  if (!(await portIsFree(state.port))) throw new Error(`port ${state.port} is taken`)
  return launch(...given)
}

function makeDataDir(dataDir: string): void {
  try {
    // Root's Postgres runs as another account, which must pass through; the secrets inside are 0600 each.
    makeFolders(path.resolve(dataDir), process.getuid?.() === 0 ? 0o711 : 0o700)
  } catch (error) {
    throw explain(error, dataDir)
  }
}

function fingerprintOf(binaries: Binaries, settings: Record<string, string>): string {
  const sorted = Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([binaries.version, sorted]))
    .digest('hex')
}

/** Deals with what postmaster.pid says: the pid of a Postgres to adopt, or undefined when one must be launched. */
async function settleOrphan(home: Home, fingerprint: string, log: EventLog): Promise<number | undefined> {
  const file = readPostmasterFile(home.cluster)
  if (!file) return undefined
  if (!isPostmasterOf(file.pid, home.cluster)) {
    disownPostmasterFile(home.cluster)
    return undefined
  }
  if (home.state.fingerprint === fingerprint && file.port === home.state.port && (await answers(home))) {
    log('postgres.adopted', { pid: file.pid })
    return file.pid
  }
  log('postgres.stopping_orphan', { pid: file.pid })
  await stopPostmaster(file.pid, home.cluster)
  return undefined
}

/** Whether the database behind our port is this cluster's and lets us in. */
async function answers(home: Home): Promise<boolean> {
  try {
    return await withClient(urlOf(home, 'postgres'), async (client) => {
      const { rows } = await client.query<{ folder: string }>(`select current_setting('data_directory') as folder`)
      return rows[0]?.folder === home.cluster
    })
  } catch {
    return false
  }
}

async function launch(
  home: Home,
  binaries: Binaries,
  settings: Record<string, string>,
  { log, signal }: EmbeddedPostgresOptions,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    if (!(await portIsFree(home.state.port))) {
      home.state.port = await freePort()
      home.save()
    }
    clearSocketDir(home)
    const before = logSize(home.logFile)
    const child = spawnPostgres(home, binaries, settings)
    const pid = await untilReady(child, home, log, signal)
    if (signal?.aborted && child.pid !== undefined) await stopPostmaster(child.pid, home.cluster)
    signal?.throwIfAborted()
    if (pid !== undefined) return pid

    const complaint = readFileSync(home.logFile, 'utf8').slice(before)
    // Backends of a postmaster that was killed need a moment to notice; a port may be taken since we looked.
    const passing = /shared memory block .* is still in use|Address already in use|could not create any TCP/i.test(
      complaint,
    )
    if (!passing || attempt === 20) throw new Error(`Postgres did not start: ${lastLines(complaint)} (${home.logFile})`)
    await sleep(500)
  }
}

function spawnPostgres(home: Home, binaries: Binaries, settings: Record<string, string>): ChildProcess {
  const all: Record<string, string> = {
    ...settings,
    listen_addresses: '127.0.0.1',
    port: String(home.state.port),
    unix_socket_directories: home.socketDir ?? '',
    unix_socket_permissions: '0700',
  }
  const args = ['-D', home.cluster, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const logFd = openLog(home.logFile)
  try {
    const child = spawn(binaries.postgres, args, {
      cwd: home.folder,
      // Its own session: Ctrl-C in the terminal must reach us, who stop Postgres last, and not Postgres first.
      detached: true,
      stdio: ['ignore', logFd, logFd],
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', SYSTEMROOT: process.env['SYSTEMROOT'] },
      windowsHide: true,
      ...home.runAs,
    })
    child.unref()
    return child
  } finally {
    closeSync(logFd)
  }
}

/** Waits as long as the process lives (crash recovery can take minutes); undefined when it ended or we gave up instead. */
async function untilReady(
  child: ChildProcess,
  home: Home,
  log: EventLog,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const fate: { ended: boolean; failure: Error | undefined } = { ended: false, failure: undefined }
  child.once('error', (error) => Object.assign(fate, { ended: true, failure: error }))
  child.once('exit', () => Object.assign(fate, { ended: true }))
  let nextWord = Date.now() + 5000
  while (!fate.ended && !signal?.aborted) {
    const file = readPostmasterFile(home.cluster)
    if (file && file.pid === child.pid && file.status === 'ready') return file.pid
    if (Date.now() > nextWord) {
      log('postgres.recovering', { pid: child.pid })
      nextWord += 10_000
    }
    await sleep(15)
  }
  if (fate.failure) throw fate.failure
  return undefined
}

async function createDatabase(home: Home): Promise<void> {
  const { database } = home.state
  await withClient(urlOf(home, 'postgres'), async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`)
  })
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A killed postmaster leaves a lock beside its socket, with a pid that may be somebody else's by now. The folder is ours alone. */
function clearSocketDir(home: Home): void {
  if (!home.socketDir) return
  for (const name of readdirSync(home.socketDir)) {
    if (name.startsWith('.s.PGSQL.')) rmSync(path.join(home.socketDir, name), { force: true })
  }
}

function urlOf(home: Home, database: string): string {
  const { user, password, port } = home.state
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`
}

function socketUrlOf(home: Home): string | undefined {
  if (!home.socketDir) return undefined
  const { user, password, port, database } = home.state
  return `postgres://${user}:${password}@/${database}?host=${encodeURIComponent(home.socketDir)}&port=${port}`
}

function openLog(file: string): number {
  if (logSize(file) > 10_000_000) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

function logSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ')
}
