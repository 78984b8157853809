import { createHash } from 'node:crypto'

let last = 0

/**
 * A handle for one log of a definition: a hash of it and microseconds, never the same twice, not even across restarts
 * (clients remember handles that have expired).
 */
export function newHandle(definitionId: string): string {
  last = Math.max(last + 1, Date.now() * 1000)
  const hash = createHash('sha1').update(definitionId).digest().readUInt32BE(0)
  return `${hash}-${last}`
}
