import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { projectRoot } from '../../server/app/env.ts'
import { startMockModel, type MockModel } from '../../server/app/testing/mock-model.ts'
import { makeDataDir } from '../../server/kernel/testing/index.ts'

/** The product as a person starts it: a process of its own, embedded Postgres, a data directory that outlives it. */
export interface Product {
  readonly origin: string
  readonly model: MockModel
  /** What it has printed. */
  said(): string
  start(): Promise<void>
  /** kill -9: nothing is drained, Postgres is left behind. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Ends everything and removes the data. */
  remove(): Promise<void>
}

export const ADMIN = { email: 'admin@example.com', password: 'a long admin password' }

/** Goes over the settings of every journey; undefined takes one away. */
export type ProductEnv = Record<string, string | undefined>

export async function createProduct(env: ProductEnv = {}): Promise<Product> {
  const data = makeDataDir()
  const model = await startMockModel({ first_token_ms: 60, tokens_per_second: 60, tokens: 60 })
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let said = ''

  async function start(): Promise<void> {
    child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', path.join(projectRoot, 'server/app/main.ts')],
      {
        env: {
          ...process.env,
          DATA_DIR: data.path,
          PORT: String(port),
          OPENAI_BASE_URL: model.url,
          OPENAI_API_KEY: 'platform-secret-key',
          OPENAI_MODEL: 'mock',
          BANYAN_ADMIN_EMAIL: ADMIN.email,
          BANYAN_ADMIN_PASSWORD: ADMIN.password,
          BANYAN_LEASE_MS: '2000',
          LOG_LEVEL: 'warn',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const starting = child
    await new Promise<void>((resolve, reject) => {
      said = ''
      starting.stdout?.on('data', (chunk) => {
        said += String(chunk)
        if (said.includes(origin)) resolve()
      })
      starting.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)))
    })
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null) return
    const gone = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await gone
  }

  return {
    origin,
    model,
    said: () => said,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async remove() {
      // After a kill -9 Postgres still runs: a start takes it over, and the stop after it ends both.
      if (!child) await start()
      await end('SIGTERM')
      await model.close()
      data.remove()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}
