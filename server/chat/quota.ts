import { userError } from '../../shared/kernel/errors.ts'

/** Refuses who has used up the tokens of the day; the cap guards the platform's key. */
export function requireQuota(spent: number | null | undefined, limit: number): void {
  if ((spent ?? 0) < limit) return
  throw userError('run/quota', { limit }, `the daily limit of ${limit} tokens is used up`)
}
