import { createHash } from 'node:crypto'
import { realpathSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigurationError, errorCode } from '../configuration-error.ts'

/** Held as long as this process lives; the kernel frees it at any death, also at kill -9, so it is never stale. */
export interface DataDirLock {
  release(): Promise<void>
}

/**
 * Takes the data directory for this process, or throws a ConfigurationError that names the process which has it.
 * The lock is a listening local socket, because a socket dies with its owner and a file does not.
 * It asks again for `patienceMs`: a supervisor may start the next server while the last one is still ending.
 */
export async function lockDataDir(dataDir: string, patienceMs = 3000): Promise<DataDirLock> {
  const address = lockAddress(realpathSync(dataDir))
  const until = Date.now() + patienceMs
  for (;;) {
    const server = await listen(address)
    if (server) return { release: () => new Promise((done) => server.close(() => done())) }
    const holder = await askHolder(address)
    if (holder === undefined) removeDeadSocket(address)
    if (Date.now() >= until) throw inUse(dataDir, holder ?? '?')
    await sleep(100)
  }
}

function inUse(dataDir: string, holder: string): ConfigurationError {
  return new ConfigurationError(
    `数据目录 ${dataDir} 正被另一个 Banyan 使用（进程 ${holder}）：请先停止它，或用 DATA_DIR 指定另一个目录。`,
    `The data directory ${dataDir} is in use by another Banyan (process ${holder}): stop that one first, or choose another folder with DATA_DIR.`,
  )
}

/** Linux has sockets without a file, Windows has pipes; elsewhere a socket file in /tmp, removed when nobody answers. */
function lockAddress(dataDir: string): string {
  const name = `banyan-${createHash('sha256').update(dataDir).digest('hex').slice(0, 24)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return `/tmp/${name}.lock`
}

function listen(address: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.end(`${process.pid}\n`)
    })
    server.once('error', (error) => {
      if (errorCode(error) === 'EADDRINUSE' || errorCode(error) === 'EACCES') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** The holder's process id; `'?'` when somebody listens but does not say; undefined when nobody does. */
function askHolder(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const socket = net.connect(address)
    socket.setTimeout(1000, () => {
      socket.destroy()
      resolve('?')
    })
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
    })
    socket.on('error', () => resolve(undefined))
    socket.on('end', () => resolve(text.trim() || '?'))
  })
}

function removeDeadSocket(address: string): void {
  if (process.platform === 'linux' || process.platform === 'win32') return
  try {
    unlinkSync(address)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
