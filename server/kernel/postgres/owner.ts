import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import path from 'node:path'
import { ConfigurationError } from '../configuration-error.ts'

/** The unprivileged account that Postgres runs as when Node is root (Postgres refuses to run as root). */
export interface RunAs {
  uid: number
  gid: number
}

const accountMakers: readonly (readonly [string, readonly string[]])[] = [
  ['useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']],
  ['adduser', ['-S', '-D', '-H', 'postgres']],
]

/**
 * Chooses the account: undefined when Node is not root; the owner of an existing cluster; else `postgres`, made when missing;
 * else `nobody`.
 */
export function chooseRunAs(cluster: string): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = statSync(cluster, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const account = lookUp('postgres') ?? makeAccount() ?? lookUp('nobody')
  if (account) return account
  throw new ConfigurationError(
    'Postgres 不能以 root 运行，而系统里没有可用的普通用户：请用普通用户启动，或先创建用户 postgres。',
    'Postgres does not run as root and no ordinary account was found: start as an ordinary user, or create the user postgres first.',
  )
}

/** True when `who` may enter the folder and every folder above it (modes only; ACLs are not looked at). */
export function canTraverse(folder: string, who: RunAs): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const entry = statSync(current, { throwIfNoEntry: false })
    if (entry && !mayEnter(entry, who)) return false
    if (current === path.dirname(current)) return true
  }
}

function mayEnter(entry: { uid: number; gid: number; mode: number }, who: RunAs): boolean {
  if (entry.uid === who.uid) return (entry.mode & 0o100) !== 0
  if (entry.gid === who.gid) return (entry.mode & 0o010) !== 0
  return (entry.mode & 0o001) !== 0
}

function makeAccount(): RunAs | undefined {
  for (const [command, args] of accountMakers) {
    try {
      execFileSync(command, args, { stdio: 'ignore' })
      return lookUp('postgres')
    } catch {
      // Not every system has this program; the next one or `nobody` will do.
    }
  }
  return undefined
}

function lookUp(name: string): RunAs | undefined {
  const ask = (flag: string): number =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    const account = { uid: ask('-u'), gid: ask('-g') }
    return account.uid > 0 ? account : undefined
  } catch {
    return undefined
  }
}
