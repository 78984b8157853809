import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterFailure, backoff, FRESH, MAX_BACKOFF_MS, PARK_AFTER, type PushFailure, type RetryState } from './retry.ts'

const http = (status: number, code?: string): PushFailure => ({ kind: 'http', status, code })

test('a pause never exceeds a minute and never vanishes', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
      const ms = backoff(attempts, random)
      expect(ms).toBeGreaterThanOrEqual(500)
      expect(ms).toBeLessThanOrEqual(MAX_BACKOFF_MS)
    }),
  )
})

test('trouble on the way never drops or parks a mutation (I10)', () => {
  const trouble: PushFailure[] = [
    { kind: 'network' },
    ...[401, 403, 404, 408, 426, 429, 502, 503, 504].map((status) => http(status)),
  ]
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...trouble), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      (failures, size) => {
        let state: RetryState = FRESH
        for (const failure of failures) {
          const verdict = afterFailure(state, failure, size, 0.5)
          expect(verdict.do).not.toBe('reject')
          state = verdict.state
        }
      },
    ),
  )
})

test('a server of an older age is waited for, once its trouble is known to be the head alone', () => {
  const older: PushFailure = http(503, 'sync/server-too-old')
  expect(afterFailure(FRESH, older, 3, 0)).toMatchObject({ do: 'retry', after_ms: 0, state: { narrow: true } })
  expect(afterFailure(FRESH, older, 1, 0)).toMatchObject({ do: 'attention', code: 'sync/server-too-old' })
})

test('a server that breaks on a batch is asked for its head alone', () => {
  expect(afterFailure(FRESH, http(500), 7, 0)).toMatchObject({ do: 'retry', state: { narrow: true, strikes: 0 } })
})

test('the head is parked after ten breaks on it alone, not before', () => {
  let state: RetryState = { ...FRESH, narrow: true }
  for (let strike = 1; strike < PARK_AFTER; strike++) {
    const verdict = afterFailure(state, http(500), 1, 0)
    expect(verdict.do).toBe('retry')
    state = verdict.state
  }
  expect(afterFailure(state, http(500), 1, 0)).toMatchObject({
    do: 'reject',
    error: { code: 'server/bug' },
    state: FRESH,
  })
})

test('a refused push is narrowed first, then refuses its head', () => {
  expect(afterFailure(FRESH, http(400, 'request/invalid'), 3, 0)).toMatchObject({
    do: 'retry',
    after_ms: 0,
    state: { narrow: true },
  })
  expect(afterFailure(FRESH, http(413, 'request/too-large'), 1, 0)).toMatchObject({
    do: 'reject',
    error: { code: 'request/too-large' },
  })
})

test('the server may ask for more patience than we would have', () => {
  expect(afterFailure(FRESH, { kind: 'http', status: 429, retry_after_ms: 9000 }, 1, 0)).toMatchObject({
    do: 'retry',
    after_ms: 9000,
  })
})
