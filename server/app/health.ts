import { createRouter, type Request, type Router } from '../kernel/http.ts'

export interface PartStatus {
  state: 'up' | 'degraded' | 'down'
  reason?: string | undefined
}

type AskPart = () => Promise<PartStatus> | PartStatus

/** Asks each part how it is. Reasons are for this machine only: they name hosts and files. */
export function healthRoutes(parts: Record<string, AskPart>): Router {
  const router = createRouter()
  router.get('/api/health', (_request, response) => {
    response.setHeader('cache-control', 'no-store')
    response.json({ status: 'ok' })
  })
  router.get('/api/ready', async (request, response) => {
    const local = isFromHere(request)
    const states = await Promise.all(
      Object.entries(parts).map(async ([name, ask]) => {
        const status = await askPart(ask)
        return [name, local ? status : { state: status.state }] as const
      }),
    )
    const down = states.some(([, status]) => status.state === 'down')
    response.setHeader('cache-control', 'no-store')
    response.status(down ? 503 : 200).json({ status: down ? 'down' : 'ready', parts: Object.fromEntries(states) })
  })
  return router
}

/** Asked on this machine, by somebody who is there: a proxy on this machine also speaks for people elsewhere. */
function isFromHere({ socket, headers }: Request): boolean {
  const forwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
  return !forwarded && /^(::1$|127\.|::ffff:127\.)/.test(socket.remoteAddress ?? '')
}

async function askPart(ask: AskPart): Promise<PartStatus> {
  try {
    return await ask()
  } catch (error) {
    return { state: 'down', reason: error instanceof Error ? error.message : String(error) }
  }
}
