import { Agent, type Dispatcher } from 'undici'
import { operationalError } from '../../../shared/kernel/errors.ts'

/** Milliseconds that each stage of a call may take. */
export interface Patience {
  connect: number
  /** From request to the first byte of the body. Local models load slowly. */
  first: number
  /** Between two reads. */
  idle: number
}

export const PATIENCE: Patience = { connect: 10_000, first: 120_000, idle: 60_000 }

/** What a response is fed into. What its methods throw ends the exchange with that error. */
export interface ExchangeReader {
  head(status: number, headers: Record<string, string | string[] | undefined>): void
  read(bytes: Uint8Array): void
  end(): void
  /** All that matters has come. */
  readonly complete: boolean
}

/** How long the end of a response is awaited when all that matters has come: some servers never close. */
const LINGER_MS = 1_000

export interface Exchange {
  url: URL
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string | undefined
}

/** The connection broke before the response was complete. */
export class ConnectionLost extends Error {
  readonly code: string | undefined
  /** Whether a response had begun. */
  readonly started: boolean

  constructor(cause: Error, started: boolean) {
    super(cause.message)
    this.name = 'ConnectionLost'
    this.code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
    this.started = started
  }
}

/** Connections to model servers, kept alive between turns. */
export function openAgent(patience: Patience): Agent {
  // Own timers watch each stage, so undici's are off; its connect time-out covers name look-up and handshake.
  return new Agent({
    connect: { timeout: patience.connect },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 20_000,
    pipelining: 1,
  })
}

/**
 * One request and its response over undici `dispatch`: fetch and SDKs cost several milliseconds of CPU a turn. Rejects
 * with the signal's reason, `model/timed-out`, ConnectionLost, or what the reader threw.
 */
export function exchange(
  agent: Dispatcher,
  request: Exchange,
  patience: Patience,
  signal: AbortSignal,
  reader: ExchangeReader,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortReason(signal))
    let controller: Dispatcher.DispatchController | undefined
    let settled = false
    let started = false
    const settle = (error?: unknown): void => {
      if (settled) return
      settled = true
      clearTimeout(first)
      clearTimeout(idle)
      clearTimeout(linger)
      signal.removeEventListener('abort', onAbort)
      if (error === undefined) return resolve()
      controller?.abort(error instanceof Error ? error : new Error('aborted'))
      reject(error)
    }
    const attempt = (work: () => void): void => {
      if (settled) return
      try {
        work()
      } catch (error) {
        settle(error)
      }
    }
    const timedOut = (stage: string) => () => settle(operationalError('model/timed-out', { stage }))
    const onAbort = (): void => settle(abortReason(signal))
    const first = setTimeout(timedOut('first'), patience.first + patience.connect)
    let idle: NodeJS.Timeout | undefined
    let linger: NodeJS.Timeout | undefined
    const end = (): void =>
      attempt(() => {
        reader.end()
        settle()
      })
    const enough = (): void => {
      end()
      controller?.abort(new Error('complete'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    agent.dispatch(
      {
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: request.headers,
        body: request.body ?? null,
      },
      {
        onRequestStart(begun) {
          controller = begun
          if (settled) begun.abort(new Error('aborted'))
        },
        onResponseStart: (_, status, headers) =>
          attempt(() => {
            started = true
            reader.head(status, headers)
          }),
        onResponseData: (_, chunk) =>
          attempt(() => {
            if (linger) return reader.read(chunk)
            if (idle) idle.refresh()
            else {
              clearTimeout(first)
              idle = setTimeout(timedOut('idle'), patience.idle)
            }
            reader.read(chunk)
            if (!reader.complete) return
            clearTimeout(idle)
            linger = setTimeout(enough, LINGER_MS)
          }),
        onResponseEnd: end,
        onResponseError: (_, error) => (reader.complete ? end() : settle(new ConnectionLost(error, started))),
      },
    )
  })
}

function abortReason(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error('aborted')
}
