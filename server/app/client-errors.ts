import { randomUUID } from 'node:crypto'
import { STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../../shared/kernel/errors.ts'

/** What Node's parser says of a request that never became one; everything else is malformed. */
const KNOWN: Readonly<Record<string, { status: number; code: ErrorCode; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request/timed-out', message: 'the request took too long to arrive' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'request/too-large', message: 'the headers are too large' },
}
const MALFORMED = { status: 400, code: 'request/invalid', message: 'this is not HTTP as it should be' } as const

/** Requests that break below HTTP are answered in the one error shape too, and their connection ends. */
export function answerClientErrors(server: Server): void {
  const answering = new WeakMap<Duplex, ServerResponse>()
  server.on('request', (request, response) => answering.set(request.socket, response))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // In the middle of an answer another one would be taken for its end.
    if (error.code === 'ECONNRESET' || !socket.writable || answering.get(socket)?.headersSent) {
      socket.destroy()
      return
    }
    const { status, code, message } = KNOWN[error.code ?? ''] ?? MALFORMED
    const body = JSON.stringify({ error: { code, message, params: {}, request_id: randomUUID() } })
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  })
}
