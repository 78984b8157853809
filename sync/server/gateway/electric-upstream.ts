import { Agent, request } from 'undici'
import { operationalError } from '../../../shared/kernel/errors.ts'
import type { GatewayResponse, OwnedShape, ShapeUpstream } from './gateway.ts'

export interface ElectricUpstreamOptions {
  /** Electric's address, 1.7.12 or later (earlier ones can be asked without a secret). */
  url: string
  secret?: string | undefined
}

/** Headers of Electric's answers that mean something to its clients. */
const KEPT = /^(?:electric-[a-z-]+|content-type|retry-after)$/
/** Electric holds a live read for 20 s; far longer is a broken connection. */
const ANSWER_WITHIN_MS = 60_000

/** A real Electric behind the gateway. `close()` ends its connections. */
export function createElectricUpstream(options: ElectricUpstreamOptions): ShapeUpstream & { close(): Promise<void> } {
  const agent = new Agent({ connections: 512, headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS })
  return {
    read: (shape, query, signal) => ask(agent, addressOf(options, shape, query), signal),
    close: () => agent.destroy(),
  }
}

function addressOf(
  { url, secret }: ElectricUpstreamOptions,
  shape: OwnedShape,
  query: Readonly<Record<string, string>>,
): URL {
  const address = new URL('v1/shape', url.endsWith('/') ? url : `${url}/`)
  const parameters: Record<string, string> = {
    ...query,
    table: shape.table,
    columns: shape.columns.map((column) => `"${column}"`).join(','),
    where: shape.hidden ? `"${shape.owner}" = $1 AND NOT "${shape.hidden}"` : `"${shape.owner}" = $1`,
    'params[1]': shape.user_id,
    log: shape.log,
    ...(shape.subset && {
      subset__where: shape.subset.where,
      subset__params: JSON.stringify(shape.subset.params),
      subset__order_by: shape.subset.order,
      subset__limit: String(shape.subset.limit),
    }),
    ...(secret !== undefined && { secret }),
  }
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  return address
}

async function ask(agent: Agent, address: URL, signal: AbortSignal, retried = false): Promise<GatewayResponse> {
  try {
    // Uncompressed: the next hop decides anew, and a body that stays encoded while its header is dropped is garbage.
    const answer = await request(address, { dispatcher: agent, signal, headers: { 'accept-encoding': 'identity' } })
    return { status: answer.statusCode, headers: keep(answer.headers), body: await answer.body.text() }
  } catch (error) {
    if (signal.aborted) throw error
    // Electric closes kept-alive connections under load; a read has no effects, so it may be asked once more.
    if (!retried && isSocketError(error)) return ask(agent, address, signal, true)
    throw operationalError('server/unavailable', {}, 'Electric does not answer')
  }
}

function keep(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (KEPT.test(name) && value !== undefined) kept[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return kept
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET')
}
