import pino from 'pino'

/** Structured log lines: one event name a line, ids and not content; secrets never. */
export type Log = pino.Logger

const REDACTED = ['password', 'token', 'key', 'secret', 'authorization', 'cookie', 'api_key']

export function createLog(level: string): Log {
  return pino({
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: [...REDACTED, ...REDACTED.map((name) => `*.${name}`)], censor: '[hidden]' },
  })
}
