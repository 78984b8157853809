import { toAppError } from '../../shared/kernel/errors.ts'
import { toast } from '../ui/toast.ts'
import { hasMessage, t } from './i18n.ts'

/** A code and its parameters as a sentence: what happened, and what to do. */
export function errorWords(code: string, params: Record<string, unknown> = {}): string {
  const key = `app.error.${code.replace('/', '.')}`
  return hasMessage(key) ? t(key, params) : t('app.error.unknown', { code })
}

/** Any thrown thing as a sentence. */
export function errorText(error: unknown): string {
  const { code, params } = toAppError(error)
  return errorWords(code, params)
}

/** Runs an action of the person; what it throws becomes a toast. Resolves to undefined then. */
export async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    toast(errorText(error), { tone: 'red' })
    return undefined
  }
}
