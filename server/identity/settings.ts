import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose } from '../kernel/statement.ts'
import { changedSettingsPart, storedSettings } from './setting.repository.ts'

export interface Settings {
  sign_up_open: boolean
  /** Tokens a person may use a day on the platform's key; guards the bill from the first day. */
  daily_tokens: number
}

const DAILY_TOKENS = 2_000_000
const CACHE_MS = 5_000

export interface SettingsStore {
  read(): Promise<Settings>
  write(actor: Actor, changes: Partial<Settings>): Promise<Settings>
}

/**
 * Settings of the installation. Until an administrator says otherwise, sign-up is open only while the server listens
 * on loopback.
 */
export function createSettings(db: Database, loopback: boolean): SettingsStore {
  let known: { settings: Settings; until: number } | undefined

  async function read(): Promise<Settings> {
    if (known && known.until > Date.now()) return known.settings
    const values = await storedSettings(db)
    const open = values.get('sign_up_open')
    const tokens = values.get('daily_tokens')
    const settings = {
      sign_up_open: typeof open === 'boolean' ? open : loopback,
      daily_tokens: typeof tokens === 'number' ? tokens : DAILY_TOKENS,
    }
    known = { settings, until: Date.now() + CACHE_MS }
    return settings
  }

  return {
    read,
    async write(actor, changes) {
      const updated = auditPart(
        { actor_id: actor.user_id, action: 'setting.update', object_type: 'setting', params: changes },
        'changed',
      )
      await db.query(compose([changedSettingsPart(changes, actor.user_id), updated], 'select 1'))
      known = undefined
      return read()
    },
  }
}
