import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../configuration-error.ts'

/** What Postgres writes into postmaster.pid: line 1 pid, 4 port, 8 status ("starting", "ready", "stopping"). */
export interface PostmasterFile {
  pid: number
  port: number
  status: string
}

/** Reads postmaster.pid of a cluster; undefined when there is none. */
export function readPostmasterFile(cluster: string): PostmasterFile | undefined {
  try {
    const lines = readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Number(lines[0])
    if (!Number.isInteger(pid) || pid <= 0) return undefined
    return { pid, port: Number(lines[3]), status: (lines[7] ?? '').trim() }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** True when that process lives and is the Postgres of that cluster: process ids are used again by others. */
export function isPostmasterOf(pid: number, cluster: string): boolean {
  const command = commandOf(pid)
  return command !== undefined && /postgres/i.test(command) && command.includes(cluster)
}

/**
 * Marks postmaster.pid as left behind by a dead process when its pid now belongs to somebody else.
 * Postgres takes a file that names its own parent as stale (that is us), and then still checks the shared memory
 * named in the file; deleting the file would lose that check against backends that outlived their postmaster.
 */
export function disownPostmasterFile(cluster: string): void {
  const file = path.join(cluster, 'postmaster.pid')
  const lines = readFileSync(file, 'utf8').split('\n')
  lines[0] = String(process.pid)
  writeFileSync(file, lines.join('\n'))
}

/** Asks a postmaster to end (fast: clients are cut off, everything committed is kept) and waits; then insists. */
export async function stopPostmaster(pid: number, cluster: string, patienceMs = 30_000): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isPostmasterOf(pid, cluster)) return
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return
      throw error
    }
    const until = Date.now() + patienceMs
    while (Date.now() < until) {
      if (isGone(pid)) return
      await sleep(20)
    }
  }
}

/**
 * True when the process has ended and its port and files are free. Its command line vanishes a moment earlier, and a
 * zombie (where process 1 does not collect orphans, as in many containers) can still be signalled: neither is the answer.
 */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform === 'linux' && /\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return errorCode(error) !== 'EPERM'
  }
}

/** The command line of a living process. A zombie has none, which is how we know that it is dead. */
function commandOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined
    }
    if (process.platform === 'win32') return commandOnWindows(pid)
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

function commandOnWindows(pid: number): string | undefined {
  const query = `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`
  return execFileSync('powershell', ['-NoProfile', '-Command', query], { encoding: 'utf8' }).trim() || undefined
}
