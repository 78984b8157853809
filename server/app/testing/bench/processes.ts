import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { NODE_FLAGS } from '../../../launch/node-flags.mjs'
import { projectRoot } from '../../env.ts'

/** A child whose standard output is read for one line that says it is ready. */
export async function startChild(
  file: string,
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [...NODE_FLAGS, path.join(projectRoot, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (data) => {
      text += String(data)
      const line = ready.exec(text)?.[0]
      if (line) resolve({ child, line })
    })
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}: ${text.slice(-2000)}`)))
  })
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  await gone
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}

export interface Usage {
  /** CPU seconds of user and system, all threads. */
  node: number
  postgres: number
  /** Resident memory of the server's process, and proportional memory of Postgres, in MB. */
  node_rss: number
  postgres_pss: number
}

const TICKS_PER_SECOND = 100

/** CPU and memory of the server and its Postgres, from /proc (Linux). */
export function usageOf(server_pid: number, postmaster_pid: number): Usage {
  const postgres = [postmaster_pid, ...childrenOf(postmaster_pid)]
  return {
    node: cpuOf(server_pid),
    // Backends that have ended are in the postmaster's own children's time.
    postgres: postgres.reduce((sum, pid) => sum + cpuOf(pid), 0) + endedChildrenCpu(postmaster_pid),
    node_rss: memoryOf(server_pid, 'Rss'),
    postgres_pss: postgres.reduce((sum, pid) => sum + memoryOf(pid, 'Pss'), 0),
  }
}

function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

const cpuOf = (pid: number) => (Number(statOf(pid)[11] ?? 0) + Number(statOf(pid)[12] ?? 0)) / TICKS_PER_SECOND
const endedChildrenCpu = (pid: number) =>
  (Number(statOf(pid)[13] ?? 0) + Number(statOf(pid)[14] ?? 0)) / TICKS_PER_SECOND

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => Number(statOf(candidate)[1]) === pid)
}

function memoryOf(pid: number, field: 'Rss' | 'Pss'): number {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return Number(line?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
