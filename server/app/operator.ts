import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopbackHost } from '../kernel/origin.ts'

/** What proxies write. One on this machine also speaks for people elsewhere. */
const BY_PROXY = /^(?:forwarded|via|x-real-ip|x-forwarded-.+|cf-connecting-ip)$/

export interface Caller {
  headers: IncomingHttpHeaders
  httpVersion: string
  socket: { remoteAddress?: string | undefined }
}

/**
 * Whether whoever asks runs this installation, and may see what names hosts, files and figures: by the token, or by being
 * on this machine. Asking by a name of this machine shows that no web page made to point here asks instead.
 */
export function isOperator(request: Caller, token: string | undefined): boolean {
  return bearsToken(request.headers.authorization, token) || isHere(request)
}

function isHere({ headers, httpVersion, socket }: Caller): boolean {
  // nginx speaks HTTP/1.0 to what is behind it unless told otherwise, and then adds no header either.
  if (httpVersion === '1.0' || Object.keys(headers).some((name) => BY_PROXY.test(name))) return false
  return /^(::1$|127\.|::ffff:127\.)/.test(socket.remoteAddress ?? '') && isLoopbackHost(headers.host)
}

/** Compares digests, which have one length, in constant time. */
export function bearsToken(authorization: string | undefined, token: string | undefined): boolean {
  const given = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined || given === undefined) return false
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string) => createHash('sha256').update(text).digest()
