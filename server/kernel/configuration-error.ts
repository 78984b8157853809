/**
 * Something outside the program keeps it from starting: a bad variable, a taken port, a full disk.
 * `message` is for the person who starts it (Chinese, then English on its own line) and says what to do;
 * `server/app/main.ts` prints it without a stack and exits with code 1.
 */
export class ConfigurationError extends Error {
  readonly zh: string
  readonly en: string

  constructor(zh: string, en: string, options?: { cause?: unknown }) {
    super(`${zh}\n${en}`, options)
    this.name = 'ConfigurationError'
    this.zh = zh
    this.en = en
  }
}

/** The `code` of a Node system error (`ENOENT`, `EACCES` …) or of a Postgres error (`3D000` …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return undefined
}
