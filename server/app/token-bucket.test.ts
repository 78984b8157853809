import { expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const LIMIT = { per_second: 100, burst: 1000 }

function takeUntilRefused(bucket: TokenBucket): number {
  let taken = 0
  while (bucket.take()) taken += 1
  return taken
}

it('allows a burst, then as many as time has brought, and never saves up more than a burst', () => {
  let now = 0
  const bucket = new TokenBucket(LIMIT, () => now)
  expect(takeUntilRefused(bucket)).toBe(1000)
  now = 500
  expect(takeUntilRefused(bucket)).toBe(50)
  now = 3_600_000
  expect(takeUntilRefused(bucket)).toBe(1000)
})

it('never refuses the sustained rate', () => {
  let now = 0
  const bucket = new TokenBucket(LIMIT, () => now)
  takeUntilRefused(bucket)
  for (let frame = 0; frame < 6_000; frame += 1) {
    now += 10
    expect(bucket.take()).toBe(true)
  }
})
