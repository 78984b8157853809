import { operationalError } from '../../../shared/kernel/errors.ts'

const ATTEMPTS = 20
const LONGEST_PAUSE_MS = 250

/**
 * Tries again while `read` gives nothing, for its snapshot does not see yet what has come from the slot already (see
 * RecentTransactions).
 */
export async function untilSeen<Result>(read: () => Promise<Result | undefined>): Promise<Result> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const result = await read()
    if (result !== undefined) return result
    await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** attempt, LONGEST_PAUSE_MS)))
  }
  throw operationalError('server/unavailable', {}, 'a commit stays invisible to snapshots')
}
