import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder for a DATA_DIR that lives as long as a test. */
export interface TemporaryDataDir {
  path: string
  /** Call it after the server or Postgres in it has stopped. */
  remove(): void
}

/**
 * Makes a data directory for one test. As root, Postgres runs as another account, which cannot enter the 0700 of a bare
 * `mkdtemp`: the cluster would then go to /var/lib/banyan, with a copy of the programs, and stay there.
 */
export function makeDataDir(): TemporaryDataDir {
  const folder = mkdtempSync(path.join(tmpdir(), 'banyan-test-'))
  chmodSync(folder, 0o711)
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
