import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
      const source = readKept(kept) ?? (await make())
      mkdirSync(cache, { recursive: true })
      writeFileSync(kept, source)
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

function readKept(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
