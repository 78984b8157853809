import { userError } from '../../../shared/kernel/errors.ts'
import { createRouter, type Router } from '../../kernel/http.ts'
import type { Registry } from '../../kernel/metrics.ts'
import { isOperator } from '../operator.ts'

export interface MetricsRoutes {
  registry: Registry
  /** Reads the present state into the gauges. */
  refresh: () => Promise<void>
  /** METRICS_TOKEN. */
  token: string | undefined
}

/** `GET /metrics` in Prometheus' text format, for operators only. */
export function metricsRoutes({ registry, refresh, token }: MetricsRoutes): Router {
  const router = createRouter()
  router.get('/metrics', async (request, response) => {
    if (!isOperator(request, token))
      throw userError('auth/forbidden', {}, 'ask from this machine, or with Authorization: Bearer and METRICS_TOKEN')
    await refresh()
    response.setHeader('cache-control', 'no-store')
    response.setHeader('content-type', registry.contentType)
    response.end(await registry.metrics())
  })
  return router
}
