import { parseReadRequest } from '../http/parse-read-request.ts'
import { invalidRequest } from '../http/response.ts'
import type { ShapeServer } from '../shape-server.ts'
import type { ShapeUpstream } from './gateway.ts'

/** The embedded shape server behind the gateway. */
export function createEmbeddedUpstream(server: Pick<ShapeServer, 'read'>): ShapeUpstream {
  return {
    read: async (shape, query, signal, hold_ms) => {
      const parsed = parseReadRequest((name) => query[name])
      if ('errors' in parsed) return invalidRequest(parsed.errors)
      return server.read(
        {
          schema: 'public',
          table: shape.table,
          columns: shape.columns,
          replica: 'default',
          log: shape.log,
          rows: { kind: 'owner', column: shape.owner, value: shape.user_id.toLowerCase(), but: shape.hidden },
        },
        {
          ...parsed.request,
          hold_ms,
          subset: shape.subset && { ...shape.subset, orderBy: shape.subset.order },
        },
        signal,
      )
    },
  }
}
