import type { RequestHandler } from '../../kernel/http.ts'
import { Histogram, type Registry } from '../../kernel/metrics.ts'

const CLASSES: readonly (readonly [prefix: string, name: string])[] = [
  ['/api/health', 'probe'],
  ['/api/ready', 'probe'],
  ['/metrics', 'probe'],
  ['/api/auth', 'auth'],
  ['/api/sync/push', 'push'],
  ['/api/sync/shapes', 'shape'],
  ['/api/query', 'query'],
  ['/api', 'api'],
  ['/v1/shape', 'electric'],
  ['/v1/health', 'electric'],
  ['/v1', 'openai'],
  ['/mcp', 'mcp'],
  ['/internal', 'internal'],
  ['/assets', 'asset'],
]

/** What kind of request an address makes: few values, whatever addresses people and attackers think of. */
export function routeClass(path: string): string {
  for (const [prefix, name] of CLASSES) {
    if (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')) return name
  }
  return 'page'
}

/**
 * Counts and times requests by class and kind of status. Live reads of shapes wait on purpose, and are in a class of their
 * own. `closed` stands for clients that left before the answer.
 */
export function httpMetrics(registry: Registry): RequestHandler {
  const durations = new Histogram({
    name: 'banyan_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  const known = new Map<string, { observe(value: number): void }>()
  const observerOf = (route: string, status: string) => {
    const key = `${route} ${status}`
    const made = known.get(key) ?? durations.labels(route, status)
    known.set(key, made)
    return made
  }
  return (request, response, next) => {
    const began = performance.now()
    const route = routeClass(request.path)
    response.once('close', () => {
      const status = response.writableFinished ? `${Math.floor(response.statusCode / 100)}xx` : 'closed'
      observerOf(route, status).observe((performance.now() - began) / 1000)
    })
    next()
  }
}
