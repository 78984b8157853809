import { errorText } from '../app/errors.ts'
import { t } from '../app/i18n.ts'
import type { AuthResult } from './auth.ts'

/** Why an account was not let in, made or changed, in words. */
export function failureWords(result: Exclude<AuthResult, { ok: true }>): string {
  return 'problem' in result ? t(`identity.problem.${result.problem}`) : errorText(result.error)
}
