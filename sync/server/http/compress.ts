import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'
import type { Request, Response } from 'express'
import type { Body, PageBody } from './page-body.ts'

/** A smaller body is not worth the work. */
const WORTH_BYTES = 2048
const FAST = { level: 3 }
/** A reader who takes nothing for so long is cut off: what it asked for is held for it no longer. */
const STALLED_MS = 60_000
const zip = promisify(gzip)

/** Ends an answer with its body, compressed when the reader can read that and it pays. */
export async function endWith(request: Request, response: Response, body: Body, stalledMs = STALLED_MS): Promise<void> {
  if (request.method === 'HEAD' || body === '') {
    response.end()
    return
  }
  response.vary('accept-encoding')
  response.setTimeout(stalledMs, () => response.destroy())
  const zipped = Boolean(request.acceptsEncodings('gzip'))
  if (typeof body !== 'string') return endWithPieces(response, body, zipped)
  const bytes = Buffer.from(body)
  if (bytes.length < WORTH_BYTES || !zipped) {
    response.end(bytes)
    return
  }
  response.setHeader('content-encoding', 'gzip')
  response.end(await zip(bytes, FAST))
}

/** A piece is read when the one before has gone: a slow reader costs a piece, whatever it asked for. */
async function endWithPieces(response: Response, body: PageBody, zipped: boolean): Promise<void> {
  const source = Readable.from(body.pieces(), { objectMode: true, highWaterMark: 1 })
  try {
    if (!zipped) return await pipeline(source, response)
    response.setHeader('content-encoding', 'gzip')
    await pipeline(source, createGzip(FAST), response)
  } catch {
    // Headers are gone, and with them the way to say what happened: a torn connection makes the reader ask again.
    response.destroy()
  }
}
