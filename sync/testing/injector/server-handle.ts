import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import pg from 'pg'
import { startMockModel, type MockModel } from '../../../server/app/testing/mock-model.ts'
import { startProcess, type ServerProcess } from '../../../server/app/testing/start-process.ts'

export const ADMIN = { email: 'admin@example.com', password: 'a long admin password' }

/** The product in a process of its own, with its Postgres and a disk of its own where that is allowed. */
export class ServerHandle {
  readonly origin: string
  readonly #dataDir: string
  readonly #port: number
  readonly #model: MockModel
  readonly #ownDisk: boolean
  #process: ServerProcess | undefined
  #said = ''
  #ended = false

  private constructor(folder: string, port: number, model: MockModel) {
    this.#dataDir = path.join(folder, 'data')
    this.#port = port
    this.#model = model
    this.origin = `http://127.0.0.1:${port}`
    mkdirSync(this.#dataDir, { recursive: true })
    this.#ownDisk = mount(this.#dataDir)
    chmodSync(this.#dataDir, 0o711)
  }

  static async create(folder: string): Promise<ServerHandle> {
    return new ServerHandle(
      folder,
      await freePort(),
      await startMockModel({ first_token_ms: 10, tokens_per_second: 400, tokens: 12 }),
    )
  }

  get hasOwnDisk(): boolean {
    return this.#ownDisk
  }

  /** All that it has written since its last start. */
  get said(): string {
    return this.#said + (this.#process?.said() ?? '')
  }

  /** Tries until it is up: the disk may still be full, or Postgres standing still. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#process = await startProcess({
          DATA_DIR: this.#dataDir,
          PORT: String(this.#port),
          OPENAI_BASE_URL: this.#model.url,
          OPENAI_API_KEY: 'key',
          OPENAI_MODEL: 'mock',
          BANYAN_ADMIN_EMAIL: ADMIN.email,
          BANYAN_ADMIN_PASSWORD: ADMIN.password,
          BANYAN_LEASE_MS: '2000',
        })
        this.#ended = false
        const { exited } = this.#process
        void exited.then(() => (this.#ended = true))
        return
      } catch (error) {
        this.#said = String(error).slice(-4000)
        if (attempt >= 20) throw error
        await pause(1000)
      }
    }
  }

  /** Some faults end it, as a full disk at its start; what started it would start it again. */
  async startIfEnded(): Promise<void> {
    if (this.#ended) await this.start()
  }

  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#process?.exited
  }

  async freeze(ms: number): Promise<void> {
    this.#process?.kill('SIGSTOP')
    await pause(ms)
    this.#process?.kill('SIGCONT')
  }

  postgresPids(): number[] {
    return postgresOn(this.#dataDir)
  }

  /** Fills the disk to the last block, for a while. */
  async fillDisk(ms: number): Promise<void> {
    const ballast = path.join(this.#dataDir, 'ballast')
    const { bavail, bsize } = statfsSync(this.#dataDir)
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k', `count=${Math.ceil((bavail * bsize) / 65_536)}`], {
        stdio: 'ignore',
      })
    } catch {
      // dd ends with an error when nothing is left: that is what was wanted
    }
    await pause(ms)
    rmSync(ballast, { force: true })
  }

  /** The oracle's own connection. */
  async query<R extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> {
    const { user, password, port, database } = JSON.parse(
      readFileSync(path.join(this.#dataDir, 'postgres/state.json'), 'utf8'),
    )
    const client = new pg.Client({
      connectionString: `postgres://${user}:${password}@127.0.0.1:${port}/${database}?options=-c%20timezone%3DUTC`,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<R>(sql, values)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  async remove(): Promise<void> {
    this.#process?.kill('SIGTERM')
    await this.#process?.exited
    await this.#model.close()
    if (this.#ownDisk) execFileSync('umount', ['-l', this.#dataDir])
    rmSync(this.#dataDir, { recursive: true, force: true })
  }
}

/** A small disk of its own, which can be filled without harm to others; only root may have one. */
function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=900m,mode=711', 'tmpfs', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The postmaster on a data directory, and its children; on Linux. */
function postgresOn(dataDir: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const processes = lines.flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }]
  })
  const isOurs = ({ args }: { args: string }) => args.includes(`${dataDir}/postgres`) && args.includes('-D')
  const postmaster = processes.find(isOurs)?.pid
  if (postmaster === undefined) return []
  return [postmaster, ...processes.filter(({ parent }) => parent === postmaster).map(({ pid }) => pid)]
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
