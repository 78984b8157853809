import type { RequestHandler } from 'express'
import express from 'express'

export interface PartStatus {
  state: 'up' | 'degraded' | 'down'
  reason?: string | undefined
}

/** Asks each part how it is. Reasons are for this machine only: they name hosts and files. */
export function healthRoutes(parts: Record<string, () => Promise<PartStatus> | PartStatus>): RequestHandler {
  const router = express.Router()
  router.get('/api/health', (_request, response) => {
    response.setHeader('cache-control', 'no-store')
    response.json({ status: 'ok' })
  })
  router.get('/api/ready', (request, response, next) => {
    const run = async () => {
      const local = /^(::1|127\.|::ffff:127\.)/.test(request.socket.remoteAddress ?? '')
      const states = await Promise.all(
        Object.entries(parts).map(async ([name, ask]) => {
          const status = await Promise.resolve(ask()).catch((error: unknown): PartStatus => ({
            state: 'down',
            reason: error instanceof Error ? error.message : String(error),
          }))
          return [name, local ? status : { state: status.state }] as const
        }),
      )
      const down = states.some(([, status]) => status.state === 'down')
      response.setHeader('cache-control', 'no-store')
      response.status(down ? 503 : 200).json({ status: down ? 'down' : 'ready', parts: Object.fromEntries(states) })
    }
    run().catch(next)
  })
  return router
}
