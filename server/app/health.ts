import { createRouter, type Router } from '../kernel/http.ts'
import { isOperator } from './operator.ts'

export interface PartStatus {
  state: 'up' | 'degraded' | 'down'
  reason?: string | undefined
}

type AskPart = () => Promise<PartStatus> | PartStatus

export interface HealthOptions {
  parts: Record<string, AskPart>
  /** METRICS_TOKEN. */
  token: string | undefined
}

/** Asks each part how it is. Reasons name hosts and files, so they are for operators only. */
export function healthRoutes({ parts, token }: HealthOptions): Router {
  const router = createRouter()
  router.get('/api/health', (_request, response) => {
    response.setHeader('cache-control', 'no-store')
    response.json({ status: 'ok' })
  })
  router.get('/api/ready', async (request, response) => {
    const withReasons = isOperator(request, token)
    const states = await Promise.all(
      Object.entries(parts).map(async ([name, ask]) => {
        const status = await askPart(ask)
        return [name, withReasons ? status : { state: status.state }] as const
      }),
    )
    const down = states.some(([, status]) => status.state === 'down')
    response.setHeader('cache-control', 'no-store')
    response.status(down ? 503 : 200).json({ status: down ? 'down' : 'ready', parts: Object.fromEntries(states) })
  })
  return router
}

async function askPart(ask: AskPart): Promise<PartStatus> {
  try {
    return await ask()
  } catch (error) {
    return { state: 'down', reason: error instanceof Error ? error.message : String(error) }
  }
}
