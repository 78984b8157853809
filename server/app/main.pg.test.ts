import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isPostmasterOf, readPostmasterFile } from '../kernel/postgres/postmaster.ts'
import { makeDataDir } from '../kernel/testing/index.ts'
import { ProcessEnded, startProcess } from './testing/start-process.ts'

let data: ReturnType<typeof makeDataDir>
beforeEach(() => {
  data = makeDataDir()
})
afterEach(() => data.remove())

const folder = () => path.join(data.path, 'postgres')
const initialising = () => existsSync(folder()) && readdirSync(folder()).some((name) => name.startsWith('initdb-'))
const postmaster = () => readPostmasterFile(path.join(folder(), 'cluster'))

it.each([
  ['the cluster is being made', initialising],
  ['Postgres starts', () => postmaster() !== undefined],
])(
  'stops when asked while %s, and leaves no Postgres behind',
  async (_, reached) => {
    const server = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'main.ts')],
      {
        env: { PATH: process.env['PATH'], DATA_DIR: data.path, PORT: '0', LOG_LEVEL: 'error' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let said = ''
    server.stdout.on('data', (chunk) => (said += String(chunk)))
    server.stderr.on('data', (chunk) => (said += String(chunk)))
    const exited = once(server, 'exit')
    await expect.poll(reached, { timeout: 40_000, interval: 2 }).toBe(true)
    const pid = postmaster()?.pid
    server.kill('SIGINT')
    expect((await exited)[0], said).toBe(0)
    expect(said).toBe('')
    expect(postmaster()).toBeUndefined()
    if (pid !== undefined) expect(isPostmasterOf(pid, path.join(folder(), 'cluster'))).toBe(false)
  },
  60_000,
)

it.skipIf(process.platform !== 'linux')(
  'says in one sentence that it cannot keep its data where it was told to',
  async () => {
    const failure = await startProcess({ DATA_DIR: '/proc/nowhere' }).catch((error: unknown) => error)
    if (!(failure instanceof ProcessEnded)) throw new Error('it came up')
    expect(failure.code).toBe(1)
    expect(failure.said.trim().split('\n')).toHaveLength(2)
    expect(failure.said).toMatch(/DATA_DIR \(\/proc\/nowhere\) cannot be written/)
  },
  60_000,
)
