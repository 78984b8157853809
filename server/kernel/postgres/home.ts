import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
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
  /** Folder that holds the cluster: DATA_DIR/postgres, or elsewhere when Postgres cannot enter that. */
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
  const runAs = chooseRunAs(path.join(saved?.home ?? base, 'cluster'))
  const state = saved ?? (await newState(chooseFolder(base, runAs)))
  // A data directory that was moved as a whole takes its cluster along.
  if (!existsSync(state.home) && existsSync(path.join(base, 'cluster'))) state.home = base
  const cluster = path.join(state.home, 'cluster')
  if (state.initialised && !existsSync(path.join(cluster, 'PG_VERSION'))) throw lostCluster(cluster, stateFile)
  mkdirSync(state.home, { recursive: true, mode: 0o711 })
  const save = (): void => writeState(stateFile, state)
  save()
  const home: Home = {
    folder: state.home,
    cluster,
    socketDir: undefined,
    logFile: path.join(base, 'postgres.log'),
    runAs,
    state,
    save,
  }
  home.socketDir = makeSocketDir(home)
  return home
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
  if (!runAs || canTraverse(base, runAs)) return base
  // Root's private home, for example. Not under /tmp: this is where people's data will be.
  return path.join('/var/lib/banyan', createHash('sha256').update(base).digest('hex').slice(0, 16))
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
  renameSync(next, file)
}

function makeSocketDir(home: Home): string | undefined {
  if (process.platform === 'win32') return undefined
  const inHome = path.join(home.folder, 'run')
  const key = createHash('sha256').update(home.folder).digest('hex').slice(0, 12)
  const folder = socketDirFits(inHome) ? inHome : `/tmp/banyan-${process.getuid?.() ?? 0}-${key}`
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // /tmp is everybody's: a folder that somebody else made there first is not ours to trust.
  const entry = statSync(folder)
  const ours = entry.uid === process.getuid?.() || entry.uid === home.runAs?.uid
  if (!ours) return undefined
  chmodSync(folder, 0o700)
  giveTo(home.runAs, folder)
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
