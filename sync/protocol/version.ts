/**
 * Version of everything on the wire between a replica and the server: shapes, mutations, push, socket. A change that
 * an older client cannot read raises it, and `OLDEST_PROTOCOL` with it once such clients are no longer served; the
 * server then answers 426 and the client asks to be updated, keeping its outbox. Adding a column or a mutation is no
 * such change, and a mutation whose arguments change gets a version of its own (`shared/kernel/mutator.ts`).
 */
export const PROTOCOL_VERSION = 1

/** The oldest version that the server still speaks. */
export const OLDEST_PROTOCOL = 1

/** Versions that one side speaks. */
export interface Spoken {
  newest: number
  oldest: number
}

export const SPOKEN: Spoken = { newest: PROTOCOL_VERSION, oldest: OLDEST_PROTOCOL }

export const VERSION_TROUBLES = ['sync/client-too-old', 'sync/server-too-old'] as const
export type VersionTrouble = (typeof VERSION_TROUBLES)[number]

export function isVersionTrouble(code: string | undefined): code is VersionTrouble {
  return VERSION_TROUBLES.some((known) => known === code)
}

/**
 * Why a client of `protocol` and a server cannot understand each other; undefined when they can. A server that is
 * older than its clients has been rolled back: they wait for it, and lose nothing.
 */
export function versionTrouble(protocol: number, server: Spoken): VersionTrouble | undefined {
  if (protocol < server.oldest) return 'sync/client-too-old'
  return protocol > server.newest ? 'sync/server-too-old' : undefined
}

/** The version that a request names; the first one had no need to. */
export function namedProtocol(value: unknown): number {
  const version = Number(value ?? 1)
  return Number.isInteger(version) ? version : 0
}
