import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, Response } from 'express'

/** A smaller body is not worth the work. */
const WORTH_BYTES = 2048
const FAST = { level: 3 }
const zip = promisify(gzip)

/** Ends an answer with its body, compressed when the reader can read that and it pays. */
export async function endWith(request: Request, response: Response, body: string): Promise<void> {
  if (request.method === 'HEAD' || body === '') {
    response.end()
    return
  }
  response.vary('accept-encoding')
  const bytes = Buffer.from(body)
  if (bytes.length < WORTH_BYTES || !request.acceptsEncodings('gzip')) {
    response.end(bytes)
    return
  }
  const zipped = await zip(bytes, FAST)
  response.setHeader('content-encoding', 'gzip')
  response.end(zipped)
}
