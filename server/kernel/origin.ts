import type { IncomingHttpHeaders } from 'node:http'
import { isIPv6 } from 'node:net'

export interface OriginRules {
  /** Origin people use, e.g. `https://banyan.example.com`. */
  publicUrl: string
  /**
   * What a Host header may hold besides the host of `publicUrl`. Names of this machine always; addresses too when nobody
   * has said which name people use. Any other name may be an attacker's that was made to point here (DNS rebinding).
   */
  others: 'loopback' | 'addresses'
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?$/
const IPV6 = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i

/** Whether a Host header names this machine as it names itself. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.test(host)
}

function isAddress(host: string): boolean {
  return IPV4.test(host) || isIPv6(IPV6.exec(host)?.[1] ?? '')
}

/** Whether the Host header names this server. */
export function isOurHost(rules: OriginRules, host: string | undefined): boolean {
  if (!host) return false
  if (host.toLowerCase() === new URL(rules.publicUrl).host.toLowerCase()) return true
  return isLoopbackHost(host) || (rules.others === 'addresses' && isAddress(host))
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

/** Origins of our own pages to whoever calls us by this Host. */
export function originsOfHost(host: string): readonly string[] {
  return [`http://${host}`, `https://${host}`]
}
