/** The part of a pino logger that the shape server uses: one event name a line, ids and not content. */
export interface SyncLog {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

/** Says nothing. */
export const silentLog: SyncLog = { info: () => undefined, warn: () => undefined, error: () => undefined }
