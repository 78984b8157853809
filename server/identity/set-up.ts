import { randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toAppError, userError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Auth } from './auth.ts'
import { createUser } from './create-user.ts'
import { hasAccount, hasAdministrator } from './user.repository.ts'

const ALL_ROLES = ['user', 'developer', 'reviewer', 'admin'] as const

export interface SetUp {
  /** The token to print at start; undefined once there is an administrator. */
  token(): Promise<string | undefined>
  needed(): Promise<boolean>
  run(input: { token: string; name: string; email: string; password: string }): Promise<void>
}

/** The set-up page's guard: a random token in DATA_DIR (0600), printed at start, gone after use. */
export function createSetUp(db: Database, auth: Auth, dataDir: string): SetUp {
  const file = join(dataDir, 'setup-token')
  let done = false

  async function needed(): Promise<boolean> {
    if (done) return false
    done = await hasAdministrator(db)
    return !done
  }

  async function token(): Promise<string | undefined> {
    if (!(await needed())) return undefined
    const kept = await readFile(file, 'utf8').catch(() => '')
    if (kept.trim().length >= 16) return kept.trim()
    const made = randomBytes(18).toString('base64url')
    await writeFile(file, `${made}\n`, { mode: 0o600 })
    await chmod(file, 0o600)
    return made
  }

  return {
    needed,
    token,
    async run(input) {
      const expected = await token()
      if (!expected) throw userError('auth/setup-done')
      const given = Buffer.from(input.token.trim())
      const wanted = Buffer.from(expected)
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw userError('auth/setup-token')
      await createUser(db, auth, undefined, { ...input, roles: ALL_ROLES })
      done = true
      await rm(file, { force: true })
    },
  }
}

/** Makes the administrator that the environment names, unless one with this e-mail exists. */
export async function ensureAdministrator(db: Database, auth: Auth, email: string, password: string): Promise<void> {
  if (await hasAccount(db, email)) return
  const name = email.split('@')[0] ?? email
  await createUser(db, auth, undefined, { name, email, password, roles: ALL_ROLES }).catch((error: unknown) => {
    // Another process that starts at the same time was quicker.
    if (toAppError(error).code !== 'row/exists') throw error
  })
}
