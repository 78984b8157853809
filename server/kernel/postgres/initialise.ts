import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ConfigurationError } from '../configuration-error.ts'
import type { Binaries } from './binaries.ts'
import { giveTo, type Home } from './home.ts'

/**
 * Runs initdb once. It works in a folder of its own and moves it into place at the end, so a start that was killed half-way
 * is simply begun again. UTF-8 and the built-in C.UTF-8 collation are named, because an empty container has no LANG and
 * initdb would then choose SQL_ASCII, where `varchar(255)` counts bytes of Chinese.
 */
export async function initialiseCluster(
  home: Home,
  binaries: Binaries,
  options: {
    sync: boolean
    log: (event: string, fields?: Record<string, unknown>) => void
    signal?: AbortSignal | undefined
  },
): Promise<void> {
  const versionFile = path.join(home.cluster, 'PG_VERSION')
  if (existsSync(versionFile)) {
    checkMajorVersion(readFileSync(versionFile, 'utf8').trim(), binaries)
    return
  }
  for (const name of readdirSync(home.folder)) {
    if (name.startsWith('initdb-')) rmSync(path.join(home.folder, name), { recursive: true, force: true })
  }
  options.log('postgres.initialising', { folder: home.folder })
  const work = path.join(home.folder, `initdb-${process.pid}`)
  mkdirSync(work, { mode: 0o700 })
  giveTo(home.runAs, work)
  const passwordFile = path.join(work, 'password')
  writeFileSync(passwordFile, home.state.password, { mode: 0o600 })
  giveTo(home.runAs, passwordFile)

  const fresh = path.join(work, 'cluster')
  await run(
    binaries.initdb,
    [
      `--pgdata=${fresh}`,
      `--username=${home.state.user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      ...(options.sync ? [] : ['--no-sync']),
    ],
    home,
    options.signal,
  )
  renameSync(fresh, home.cluster)
  rmSync(work, { recursive: true, force: true })
  home.state.initialised = true
  home.save()
}

function run(program: string, args: string[], home: Home, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(program, args, {
      cwd: home.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', SYSTEMROOT: process.env['SYSTEMROOT'] },
      windowsHide: true,
      ...(signal && { signal }),
      ...home.runAs,
    })
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-20_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`initdb failed (${code ?? signal}): ${output.trim().split('\n').slice(-4).join(' | ')}`))
    })
  })
}

function checkMajorVersion(clusterMajor: string, binaries: Binaries): void {
  const ours = binaries.version.split('.')[0] ?? ''
  if (clusterMajor === ours) return
  throw new ConfigurationError(
    `数据目录由 Postgres ${clusterMajor} 创建，而本程序带的是 ${ours}：请用旧版本导出（pg_dump）后再导入新的数据目录。`,
    `The data directory was made by Postgres ${clusterMajor}, and this program brings ${ours}: export it with the older version (pg_dump) and import into a new data directory.`,
  )
}
