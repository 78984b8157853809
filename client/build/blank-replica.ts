import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { Plugin } from 'vite'
import { blankReplicaPath, ensureSchema, INITDB_PARAMS, startParams } from '../../sync/client/blank-replica.ts'

/**
 * Emits an empty replica, so that a first start need not make a database: that takes a phone many seconds. It is kept
 * in `cache` under the name of its schema; other starts than the first never ask for it, so it is not precached.
 */
export function blankReplica(cache: string): Plugin {
  return {
    name: 'banyan-blank-replica',
    apply: 'build',
    async generateBundle() {
      const fileName = blankReplicaPath()
      const kept = path.join(cache, path.basename(fileName))
      const source = readKept(kept) ?? keep(kept, await make())
      this.emitFile({ type: 'asset', fileName, source })
    },
  }
}

async function make(): Promise<Uint8Array> {
  const pg = await PGlite.create({
    dataDir: 'memory://',
    initDbStartParams: INITDB_PARAMS,
    startParams: startParams(PGlite.defaultStartParams),
  })
  try {
    await ensureSchema(pg)
    const tar = await pg.dumpDataDir('none')
    return new Uint8Array(await tar.arrayBuffer())
  } finally {
    await pg.close()
  }
}

/** Whole or not at all: another build may be reading it, and what it reads goes out to every device. */
function keep(file: string, source: Uint8Array): Uint8Array {
  mkdirSync(path.dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, source)
  renameSync(unfinished, file)
  return source
}

function readKept(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
