import type { Response } from 'express'
import { parseOffset, type Offset } from '../shape/offset.ts'
import type { ShapeServer } from '../shape-server.ts'
import type { ShapeSource } from '../shape/shape-source.ts'
import { textOf } from './page-body.ts'
import type { ReadRequest } from './read-shape.ts'
import type { ShapeResponse } from './response.ts'

/** A comment is sent when nothing else was for so long: proxies close silent connections. */
const KEEP_ALIVE_MS = 21_000
/** The stream ends after this, and the client comes again: so caches in between can share it. */
const WHOLE_MS = 60_000

export interface EventStreamOptions {
  server: Pick<ShapeServer, 'read'>
  source: ShapeSource
  request: ReadRequest
  signal: AbortSignal
  keepAliveMs?: number | undefined
  wholeMs?: number | undefined
}

/**
 * A live read as server-sent events (Electric's `live_sse`): each message an event, until the reader goes, the shape
 * ends, or a minute is over. Returns an ordinary answer instead when the first page is none.
 */
export async function sendEvents(response: Response, options: EventStreamOptions): Promise<ShapeResponse | undefined> {
  const { server, source, signal } = options
  const deadline = Date.now() + (options.wholeMs ?? WHOLE_MS)
  const keepAlive = options.keepAliveMs ?? KEEP_ALIVE_MS
  // Without waiting at first: the headers tell the reader that the stream is there.
  let request: ReadRequest = { ...options.request, live: true, sse: true, hold_ms: 0 }
  for (let first = true; !signal.aborted; first = false) {
    const answer = await server.read(source, request, signal)
    if (signal.aborted) return undefined
    if (first && answer.status !== 200) return answer
    if (first) beginEvents(response, answer)
    const news = answer.headers['electric-has-data'] !== 'false'
    if (news) writeMessages(response, answer.status, await textOf(answer.body))
    else if (!first) response.write(': keep-alive\n\n')
    if (answer.status !== 200) break
    const left = deadline - Date.now()
    if (left <= 0) break
    if (response.writableNeedDrain && !(await drained(response, signal, left))) break
    request = { ...request, offset: offsetBehind(answer, request), hold_ms: Math.min(left, keepAlive) }
  }
  response.end()
  return undefined
}

function offsetBehind({ headers }: ShapeResponse, { offset }: ReadRequest): Offset {
  return parseOffset(headers['electric-offset'] ?? '') ?? offset
}

function beginEvents(response: Response, { headers }: ShapeResponse): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('content-type', 'text/event-stream')
  response.setHeader('cache-control', `public, max-age=${WHOLE_MS / 1000 - 1}`)
  response.setHeader('x-accel-buffering', 'no')
  response.removeHeader('etag')
  response.flushHeaders()
}

/** A 409 in the middle carries its message too: `must-refetch`. Other refusals end the stream. */
function writeMessages(response: Response, status: number, body: string): void {
  if (status !== 200 && status !== 409) return
  const messages: unknown = JSON.parse(body)
  if (!Array.isArray(messages)) return
  response.write(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''))
}

/** A reader who takes nothing for the rest of the time loses the stream, not our memory. */
function drained(response: Response, signal: AbortSignal, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (went: boolean) => () => {
      clearTimeout(timer)
      response.off('drain', ready)
      signal.removeEventListener('abort', gone)
      resolve(went)
    }
    const ready = finish(true)
    const gone = finish(false)
    const timer = setTimeout(gone, ms)
    response.once('drain', ready)
    signal.addEventListener('abort', gone, { once: true })
  })
}
