import { toAppError } from '../../../shared/kernel/errors.ts'
import type { SubsetRequest } from '../shape/define-subset.ts'
import { newHandle } from '../shape/handle.ts'
import { formatOffset, type Offset } from '../shape/offset.ts'
import { schemaHeader } from '../shape/schema-header.ts'
import type { Place } from '../storage/frame-log.ts'
import { pageBody, type Body } from './page-body.ts'
import type { Page, ShapeDefinition, ShapeLog } from '../shape/shape-log.ts'
import type { ShapeStore } from '../shape/shape-store.ts'
import { nextCursor } from './cursor.ts'
import { readSubset } from './read-subset.ts'
import { invalidRequest, mustRefetch, unavailable, type ShapeResponse } from './response.ts'

/** A reader's place in a shape, from the parameters of the protocol. */
export interface ReadRequest {
  offset: Offset
  handle?: string | undefined
  live: boolean
  cursor?: string | undefined
  ifNoneMatch?: string | undefined
  /** For server-sent events, whose reader makes its next offset of `global_last_seen_lsn`: it must be this shape's own. */
  sse?: boolean | undefined
  /** Rows that are there now, instead of the log. */
  subset?: SubsetRequest | undefined
  /** How long this live read waits instead of the server's usual time, ms. */
  hold_ms?: number | undefined
}

/** A snapshot can be overtaken by TRUNCATE or ALTER while it loads; then another is made. */
const OPEN_ATTEMPTS = 5
/** How long a reader that is ahead of the server waits for it. */
const EARLY_MS = 10_000

/** Reads one page of a shape; a live read at the end of the log waits for more, at most `pollMs`. */
export async function readShape(
  store: ShapeStore,
  definition: ShapeDefinition,
  request: ReadRequest,
  signal: AbortSignal,
  pollMs: number,
): Promise<ShapeResponse> {
  const found = await locate(store, definition, request, signal)
  if (!(found && 'handle' in found)) return found ?? refetch(store, definition, request)
  return readFrom(store, found, request, signal, pollMs)
}

async function locate(
  store: ShapeStore,
  definition: ShapeDefinition,
  request: ReadRequest,
  signal: AbortSignal,
): Promise<ShapeLog | ShapeResponse | undefined> {
  if (request.offset.at !== 'before' && request.offset.at !== 'now') {
    const shape = request.handle === undefined ? undefined : store.byName(request.handle)
    if (!shape || shape.definition.id !== definition.id) return undefined
    await untilLoaded(shape, signal)
    return shape.state === 'ready' ? shape : undefined
  }
  // A log that is closed, for its disk fails or the server stops, would never load another shape.
  for (let attempt = 0; attempt < OPEN_ATTEMPTS && !signal.aborted && !store.isClosed; attempt += 1) {
    const shape =
      request.offset.at === 'now' ? (store.find(definition) ?? store.open(definition)) : store.open(definition)
    await untilLoaded(shape, signal)
    if (shape.state === 'ready') return shape
    if (shape.failure !== undefined) return unavailable(5, { message: toAppError(shape.failure).code })
  }
  return unavailable(1, { message: 'The shape could not be read' })
}

async function readFrom(
  store: ShapeStore,
  shape: ShapeLog,
  request: ReadRequest,
  signal: AbortSignal,
  pollMs: number,
): Promise<ShapeResponse> {
  const { definition } = shape
  if (shape.lacks(request.offset)) return refetch(store, definition, request)
  if (request.subset) return readSubset(store, shape, request.offset, request.subset)
  let page = shape.page(request.offset)
  if (!page) {
    // Electric's rule: a reader ahead of the server may be early (a hand-over), so it waits a little.
    await shape.wait(Math.min(pollMs / 2, EARLY_MS), signal)
    if (shape.lacks(request.offset)) return refetch(store, definition, request)
    page = shape.page(request.offset)
    if (!page) return invalidRequest({ offset: ['out of bounds for this shape'] })
  }
  const deadline = Date.now() + pollMs
  while (request.live && page.places.length === 0 && !signal.aborted) {
    const left = deadline - Date.now()
    if (left <= 0) break
    await shape.wait(left, signal)
    if (shape.lacks(request.offset)) return refetch(store, definition, request)
    page = shape.page(request.offset) ?? page
  }
  return answer(store, shape, page, request)
}

async function answer(store: ShapeStore, shape: ShapeLog, page: Page, request: ReadRequest): Promise<ShapeResponse> {
  const upToDate = page.atEnd && (request.live || !page.whole)
  // Before anything is awaited: a moment later the log may have entries that are not in this page.
  const seen = request.sse ? ownEnd(page) : lastSeen(store, shape, page)
  const empty = page.places.length === 0
  const offset = formatOffset(page.offset)
  const etag = `"${shape.handle}:${formatOffset(request.offset)}:${offset}${empty ? `:${Date.now()}` : ''}"`
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'electric-handle': shape.handle,
    'electric-offset': offset,
    etag,
    'cache-control': cacheControl(request),
  }
  if (request.live) headers['electric-cursor'] = nextCursor(request.cursor)
  else headers['electric-schema'] = schemaHeader(shape.definition.format.columns)
  if (upToDate) headers['electric-up-to-date'] = ''
  headers['electric-has-data'] = String(!(empty && (request.live || request.offset.at === 'now')))
  if (request.ifNoneMatch === etag) return { status: 304, headers, body: '' }
  const end = upToDate && JSON.stringify({ headers: { control: 'up-to-date', global_last_seen_lsn: String(seen) } })
  return { status: 200, headers, body: await bodyOf(store, page.places, end || undefined) }
}

/** Bytes of a page that is answered at once; a longer one is read while its reader takes it. */
const AT_ONCE_BYTES = 256 * 1024

async function bodyOf(store: ShapeStore, places: readonly Place[], end: string | undefined): Promise<Body> {
  const size = places.reduce((sum, { length }) => sum + length, 0)
  if (size > AT_ONCE_BYTES) return pageBody((some) => store.contents(some), places, end)
  const messages = (await store.contents(places)).map((bytes) => bytes.toString('utf8'))
  if (end !== undefined) messages.push(end)
  return `[${messages.join(',')}]`
}

/**
 * The client goes on from `<this>_0`. No commit is at an odd LSN: so the number behind the shape's last one names the
 * place between it and the next, and a reader who comes again is not told the rest of that transaction twice.
 */
function ownEnd(page: Page): bigint {
  return page.offset.at === 'log' ? page.offset.lsn + (page.offset.position > 0 ? 1n : 0n) : 0n
}

/** All shapes of a reader may count on each other by this number: everything up to it is in this shape's log. */
function lastSeen(store: ShapeStore, shape: ShapeLog, page: Page): bigint {
  const seen = store.writer.completeTo(shape)
  return page.offset.at === 'log' && page.offset.lsn > seen ? page.offset.lsn : seen
}

function cacheControl({ offset, live }: ReadRequest): string {
  if (live) return 'public, max-age=5, stale-while-revalidate=5'
  if (offset.at === 'before') return 'public, max-age=604800, s-maxage=3600, stale-while-revalidate=2629746'
  return 'public, max-age=60, stale-while-revalidate=300'
}

function refetch(store: ShapeStore, definition: ShapeDefinition, request: ReadRequest): ShapeResponse {
  // The reader ignores which handle it is, but must not be told the one it had.
  const handle = store.find(definition)?.handle
  const other = handle === undefined || handle === request.handle ? newHandle(definition.id) : handle
  return mustRefetch(other, request.handle !== undefined)
}

function untilLoaded(shape: ShapeLog, signal: AbortSignal): Promise<void> {
  if (shape.state === 'ready' || shape.state === 'gone') return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish)
      resolve()
    }
    signal.addEventListener('abort', finish, { once: true })
    shape.onLoaded(finish)
  })
}
