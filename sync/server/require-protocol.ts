import { operationalError, userError } from '../../shared/kernel/errors.ts'
import { namedProtocol, SPOKEN, versionTrouble, type Spoken } from '../protocol/version.ts'

/**
 * Refuses what a client of another age says, before anything else of it is read: a form that is no longer known would
 * look like a mistake of its person. `named` is the version as the request has it.
 */
export function requireProtocol(named: unknown, spoken: Spoken = SPOKEN): void {
  const trouble = versionTrouble(namedProtocol(named), spoken)
  if (trouble === 'sync/client-too-old') throw userError(trouble, { protocol: spoken.oldest })
  if (trouble) throw operationalError(trouble, { protocol: spoken.newest })
}
