import { expect, it } from 'vitest'
import { routeClass } from './http-metrics.ts'

it.each([
  ['/', 'page'],
  ['/chat/0190-some-chat', 'page'],
  ['/assets/index-abc.js', 'asset'],
  ['/api/auth/sign-in/email', 'auth'],
  ['/api/sync/push', 'push'],
  ['/api/sync/shapes/chats', 'shape'],
  ['/api/query/chat.list', 'query'],
  ['/api/keys', 'api'],
  ['/api/health', 'probe'],
  ['/api/healthy', 'api'],
  ['/apis', 'page'],
  ['/metrics', 'probe'],
  ['/v1/chat/completions', 'openai'],
  ['/v1/shape', 'electric'],
])('%s is of class %s', (path, name) => expect(routeClass(path)).toBe(name))

it('has few classes, whatever is asked for', () => {
  const asked = Array.from({ length: 1000 }, (_, n) => [`/${n}`, `/api/${n}`, `/v1/${n}/x`, `/assets/${n}`]).flat()
  expect(new Set(asked.map(routeClass)).size).toBe(4)
})
