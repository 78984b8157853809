import { createHmac, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What signs and what opens; the same in every process of an installation. */
export interface Secrets {
  /** Signs session cookies. */
  sessions: string
  /** Opens what processes of the installation tell each other. */
  internal: string
}

/**
 * From BANYAN_MASTER_KEY, so that processes with data directories of their own agree; else from 256 random bits in
 * DATA_DIR, readable by the server's user only.
 */
export async function readSecrets(env: { masterKey: string | undefined; dataDir: string }): Promise<Secrets> {
  const root = env.masterKey ?? (await sessionSecret(env.dataDir))
  return { sessions: env.masterKey ? derive(root, 'sessions') : root, internal: derive(root, 'internal') }
}

const derive = (root: string, purpose: string) =>
  createHmac('sha256', root).update(`banyan ${purpose}`).digest('base64url')

async function sessionSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'session-secret')
  const made = randomBytes(32).toString('base64url')
  // Made once, also when two processes start together: the file of the first counts.
  await writeFile(file, `${made}\n`, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const kept = (await readFile(file, 'utf8')).trim()
  if (kept.length >= 32) return kept
  // Cut off by a full disk, perhaps.
  await writeFile(file, `${made}\n`, { mode: 0o600 })
  return made
}
