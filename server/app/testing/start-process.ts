import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface ServerProcess {
  origin: string
  /** All that it has written, both streams. */
  said: () => string
  kill(signal: NodeJS.Signals): void
  /** Exit code, once it has ended. */
  exited: Promise<number | null>
  stop(): Promise<void>
}

/** The server as `npm start` runs it, in a process of its own, on a free port. Rejects with what it said when it ends instead. */
export async function startProcess(env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, '../main.ts')],
    {
      env: { PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  const exited = once(child, 'exit').then(([code]): number | null => (typeof code === 'number' ? code : null))
  const origin = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      const greeted = /榕 Banyan {2}.*?(http:\/\/[^\s/]+)/.exec(said)?.[1]
      if (greeted) resolve(greeted)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    exited.then((code) => reject(new ProcessEnded(code, said)), reject)
  })
  return {
    origin,
    said: () => said,
    exited,
    kill: (signal) => child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** A server that did not come up. */
export class ProcessEnded extends Error {
  readonly code: number | null
  readonly said: string

  constructor(code: number | null, said: string) {
    super(`the server ended with ${code}: ${said}`)
    this.code = code
    this.said = said
  }
}
