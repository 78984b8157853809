import { toAppError, userError, type AppError } from '../../../shared/kernel/errors.ts'
import { isShapeName, shapeColumns, SHAPES, type ShapeDefinition } from '../../protocol/shapes.ts'
import { parseSubsetQuery, type SubsetQuery } from '../../protocol/subset.ts'
import type { Spoken } from '../../protocol/version.ts'
import type { Body } from '../http/page-body.ts'
import { requireProtocol } from '../require-protocol.ts'
import { newHandle } from '../shape/handle.ts'

/** One request for a shape, from HTTP or from the socket, by a person who has signed in. */
export interface GatewayRequest {
  /** Name in `SHAPES`. */
  shape: string
  /** Query parameters as the client sent them. */
  query: Record<string, string>
  /** The session's user; the only rows that can be answered are theirs. */
  user_id: string
  /** The session's epoch (`users.epoch`). */
  epoch: number
  /** How long a live read may wait, ms; Electric's 20 s when absent. A line that notices its own death can wait longer. */
  hold_ms?: number | undefined
}

/** Header names are lower case. `body` is JSON, or empty. */
export interface GatewayResponse {
  status: number
  headers: Record<string, string>
  body: Body
}

/** Everything that decides which rows and columns are read; nothing of it comes from the client. */
export interface OwnedShape {
  table: string
  columns: readonly string[]
  owner: string
  /** A boolean column; rows where it is true are left out. */
  hidden: string | undefined
  user_id: string
  log: 'full' | 'changes_only'
  /** Only these rows, as they are now, instead of the log. */
  subset?: SubsetQuery | undefined
}

/** Who answers: the embedded server, or a real Electric. `query` holds protocol parameters only. */
export interface ShapeUpstream {
  read(
    shape: OwnedShape,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    hold_ms?: number,
  ): Promise<GatewayResponse>
}

export interface Gateway {
  /** Never rejects, but for a fired `signal` it answers with an empty 503. */
  handle(request: GatewayRequest, signal: AbortSignal): Promise<GatewayResponse>
}

interface GatewayDeps {
  upstream: ShapeUpstream
  /** Versions that this server speaks. */
  spoken?: Spoken | undefined
}

/** Parameters that say where a reader stands; they go upstream. Everything unknown is left out. */
const PASSED = ['offset', 'handle', 'live', 'cursor', 'expired_handle', 'cache-buster'] as const
/** Parameters that would choose rows or columns: the client has mistaken this for Electric's own endpoint. */
const REFUSED =
  /^(?:table|where|columns|queryable_columns|params(?:\[.*)?|secret|api_secret|live_sse|experimental_live_sse|subset__.*)$/

/**
 * The only door to shapes for people: a client names a shape, and sends no SQL and no columns; the name becomes a fixed
 * table, fixed columns and `owner = session user`.
 *
 * `epoch` in the query, when it is there, must be the session's: else the client's data may rest on rights it has
 * lost, and it is told to fetch anew (409), which the unmodified client does by itself, asking its `params.epoch`
 * function again.
 */
export function createGateway({ upstream, spoken }: GatewayDeps): Gateway {
  return {
    handle: async (request, signal) => {
      try {
        requireProtocol(request.query['protocol'], spoken)
        return privately(await answer(upstream, request, signal))
      } catch (error) {
        if (signal.aborted) return privately({ status: 503, headers: {}, body: '' })
        return refusal(toAppError(error))
      }
    },
  }
}

async function answer(
  upstream: ShapeUpstream,
  { shape, query, user_id, epoch, hold_ms }: GatewayRequest,
  signal: AbortSignal,
): Promise<GatewayResponse> {
  if (!isShapeName(shape)) throw userError('sync/unknown-shape', { shape })
  const definition: ShapeDefinition = SHAPES[shape]
  const { log, subset } = choiceOf(definition, query)
  if (query['epoch'] !== undefined && query['epoch'] !== String(epoch)) return outdated(shape, epoch)
  const passed: Record<string, string> = {}
  for (const name of PASSED) {
    const value = query[name]
    if (value !== undefined) passed[name] = value
  }
  const { table, owner, hidden } = definition
  const columns = shapeColumns(definition)
  return upstream.read({ table, columns, owner, hidden, user_id, log, subset }, passed, signal, hold_ms)
}

/** What the client may choose of a shape, by name; everything else it must not ask for. */
function choiceOf(
  definition: ShapeDefinition,
  query: Readonly<Record<string, string>>,
): Pick<OwnedShape, 'log' | 'subset'> {
  const fields = Object.keys(query).filter((name) => REFUSED.test(name))
  const { log = 'full' } = query
  const known = log === 'full' || (log === 'changes_only' && definition.subsets !== undefined)
  if (!known) fields.push('log')
  const parsed = parseSubsetQuery(definition.subsets, query)
  if ('wrong' in parsed) fields.push(...parsed.wrong)
  if (fields.length > 0 || !known || 'wrong' in parsed) throw userError('request/invalid', { fields })
  return { log, subset: parsed.query }
}

function outdated(shape: string, epoch: number): GatewayResponse {
  return {
    status: 409,
    headers: { 'content-type': 'application/json; charset=utf-8', 'electric-handle': newHandle(`${shape}/${epoch}`) },
    body: JSON.stringify([{ headers: { control: 'must-refetch' } }]),
  }
}

function refusal(error: AppError): GatewayResponse {
  return privately({
    status: error.status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    // What went wrong inside is for the log, not for the person.
    body: JSON.stringify({
      error: error.kind === 'user' ? error.toValue() : { code: error.code, message: error.code },
    }),
  })
}

/** No cache may keep an answer: the address is the same for everybody, the rows are not. Nor may another origin read it. */
function privately({ status, headers, body }: GatewayResponse): GatewayResponse {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith('access-control-') && name !== 'surrogate-control' && name !== 'etag',
  )
  return { status, headers: { ...Object.fromEntries(kept), 'cache-control': 'private, no-store' }, body }
}
