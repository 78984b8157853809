import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { ConfigurationError, errorCode } from '../configuration-error.ts'
import { canTraverse, chooseRunAs, type RunAs } from './owner.ts'

/** What must survive a restart; kept in DATA_DIR/postgres/state.json, readable by its owner only. */
export interface PostgresState {
  /** Folder that holds the cluster: `.` for this one (it may be moved), or a path when Postgres cannot enter this one. */
  home: string
  port: number
  user: string
  password: string
  database: string
  /** True once initdb has finished, so that a lost cluster is an error and never a silent fresh start. */
  initialised: boolean
  /** Hash of programs and settings of the last start: an orphan with the same one is adopted as it is. */
  fingerprint?: string | undefined
}

/** Where things are for one data directory. */
export interface Home {
  folder: string
  cluster: string
  socketDir: string | undefined
  logFile: string
  runAs: RunAs | undefined
  state: PostgresState
  save(): void
}

// A Unix socket address is at most 107 bytes on Linux and 103 on macOS, file name included.
const longestSocketDir = 103 - '/.s.PGSQL.65535'.length

/** Finds or prepares the folders and the state of this data directory. Call it with the lock held. */
export async function openHome(dataDir: string): Promise<Home> {
  const base = path.join(realpathSync(dataDir), 'postgres')
  // Root's Postgres is another user: it must be able to pass through, not to list.
  mkdirSync(base, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const stateFile = path.join(base, 'state.json')
  const saved = readState(stateFile)
  const runAs = chooseRunAs(path.join(path.resolve(base, saved?.home ?? '.'), 'cluster'))
  const state = saved ?? (await newState(chooseFolder(base, runAs)))
  const folder = path.resolve(base, state.home)
  const cluster = path.join(folder, 'cluster')
  checkCluster(cluster, state, stateFile)
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  takeOver(cluster, runAs)
  const save = (): void => writeState(stateFile, state)
  save()
  const logFile = path.join(base, 'postgres.log')
  return { folder, cluster, socketDir: makeSocketDir(folder, runAs), logFile, runAs, state, save }
}

/** A cluster that is lost or somebody else's must not look like a first start. */
function checkCluster(cluster: string, state: PostgresState, stateFile: string): void {
  const owner = statSync(path.dirname(cluster), { throwIfNoEntry: false }) && statCluster(cluster)
  if (owner === undefined) {
    if (state.initialised) throw lostCluster(cluster, stateFile)
    return
  }
  const me = process.getuid?.()
  if (me === undefined || me === 0 || owner === me) return
  throw new ConfigurationError(
    `数据库文件夹 ${cluster} 属于另一个用户（uid ${owner}）：请像上次一样用 root 或该用户启动，或用 chown -R 改变它的所有者。`,
    `The database folder ${cluster} belongs to another user (uid ${owner}): start as root or as that user, as before, or change its owner with chown -R.`,
  )
}

/** The owner's uid; undefined when there is no cluster. */
function statCluster(cluster: string): number | undefined {
  return statSync(cluster, { throwIfNoEntry: false })?.uid
}

/** Copying and restoring widen the folder's mode, which Postgres refuses; and what root copied belongs to root. */
function takeOver(cluster: string, runAs: RunAs | undefined): void {
  const entry = statSync(cluster, { throwIfNoEntry: false })
  if (!entry) return
  if ((entry.mode & 0o077) !== 0) chmodSync(cluster, 0o700)
  if (!runAs || entry.uid !== 0) return
  giveTo(runAs, cluster)
  for (const name of readdirSync(cluster, { recursive: true, encoding: 'utf8' }))
    giveTo(runAs, path.join(cluster, name))
}

/** Gives a file or folder to the account that Postgres runs as; nothing to do when that is our own. */
export function giveTo(runAs: RunAs | undefined, target: string): void {
  if (runAs) chownSync(target, runAs.uid, runAs.gid)
}

/** A port of 127.0.0.1 that is free now, below the range that the system hands out for outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await portIsFree(port)) return port
  }
  throw new ConfigurationError(
    '127.0.0.1 上找不到空闲端口（20000–32000）：请关闭一些程序后重试。',
    'No free port was found on 127.0.0.1 (20000–32000): close some programs and try again.',
  )
}

/** True when nothing listens on that port of 127.0.0.1. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

async function newState(folder: string): Promise<PostgresState> {
  const password = randomBytes(24).toString('base64url')
  return { home: folder, port: await freePort(), user: 'banyan', password, database: 'banyan', initialised: false }
}

function chooseFolder(base: string, runAs: RunAs | undefined): string {
  if (!runAs || canTraverse(base, runAs)) return '.'
  // Root's private home, for example. Not under /tmp: this is where people's data will be.
  // Never the folder of an earlier data directory of the same name: its password went with it.
  const name = createHash('sha256').update(base).digest('hex').slice(0, 16)
  return path.join('/var/lib/banyan', `${name}-${randomBytes(4).toString('hex')}`)
}

function readState(file: string): PostgresState | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigurationError(
      `文件 ${file} 已损坏：请从备份恢复它（里面有数据库密码）。`,
      `The file ${file} is damaged: restore it from a backup (it holds the database password).`,
      { cause: error },
    )
  }
}

function writeState(file: string, state: PostgresState): void {
  const next = `${file}.next`
  writeFileSync(next, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  // One start as root must not lock out the user whose data directory it is.
  const before = statSync(file, { throwIfNoEntry: false })
  if (before && process.getuid?.() === 0) chownSync(next, before.uid, before.gid)
  renameSync(next, file)
}

function makeSocketDir(home: string, runAs: RunAs | undefined): string | undefined {
  if (process.platform === 'win32') return undefined
  const inHome = path.join(home, 'run')
  const key = createHash('sha256').update(home).digest('hex').slice(0, 12)
  const folder = socketDirFits(inHome) ? inHome : `/tmp/banyan-${process.getuid?.() ?? 0}-${key}`
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // /tmp is everybody's: a folder (or a link) that somebody else made there first is not ours to trust.
  const entry = lstatSync(folder)
  if (!entry.isDirectory() || (entry.uid !== process.getuid?.() && entry.uid !== runAs?.uid)) return undefined
  chmodSync(folder, 0o700)
  giveTo(runAs, folder)
  return folder
}

/** Short enough, and without the characters that separate or quote names in the setting. */
function socketDirFits(folder: string): boolean {
  return Buffer.byteLength(folder) <= longestSocketDir && /^[\w/.-]+$/.test(folder)
}

function lostCluster(cluster: string, stateFile: string): ConfigurationError {
  return new ConfigurationError(
    `数据库文件夹 ${cluster} 不见了：请把它恢复到原处；确定要从空数据库开始时，删除 ${stateFile}。`,
    `The database folder ${cluster} is gone: put it back; if you do want to start with an empty database, delete ${stateFile}.`,
  )
}
