import type { IncomingHttpHeaders } from 'node:http'

export interface OriginRules {
  /** Origin people use, e.g. `https://banyan.example.com`. */
  publicUrl: string
  /** Only this machine can reach the server: then the host must be a loopback name, which stops DNS rebinding. */
  loopbackOnly: boolean
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** Whether the Host header names this server. */
export function isOurHost(rules: OriginRules, host: string | undefined): boolean {
  if (!host) return false
  if (host.toLowerCase() === new URL(rules.publicUrl).host.toLowerCase()) return true
  return rules.loopbackOnly ? LOOPBACK.test(host) : true
}

/**
 * Whether a request with side effects, or a socket, comes from our own pages or from no page at all. Browsers always
 * send Origin with those, so its absence means a program, which carries no stolen cookie.
 */
export function isSameOrigin(rules: OriginRules, headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') return false
  const origin = headers.origin
  if (origin === undefined) return true
  if (origin === new URL(rules.publicUrl).origin) return true
  try {
    return new URL(origin).host === headers.host
  } catch {
    return false
  }
}
