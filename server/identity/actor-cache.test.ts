import { describe, expect, it } from 'vitest'
import type { Actor } from '../kernel/request.ts'
import { ActorCache, type Identified } from './actor-cache.ts'

const anna: Actor = { user_id: 'anna', name: 'Anna', email: 'a@example.com', roles: ['user'], epoch: 1, created_at: '' }
const boris: Actor = { ...anna, user_id: 'boris' }
const known = (actor: Actor, expires?: number): Identified => ({ actor, expires })

describe('who is behind a credential', () => {
  it('is looked up once in a while', async () => {
    let now = 0
    let looks = 0
    const cache = new ActorCache(() => now)
    const find = () => cache.get('key', async () => ((looks += 1), known(anna)))
    expect(await find()).toBe(anna)
    expect(await find()).toBe(anna)
    expect(looks).toBe(1)
    now = 300_001
    await find()
    expect(looks).toBe(2)
  })

  it('is asked again when the credential has expired', async () => {
    let now = 0
    const cache = new ActorCache(() => now)
    await cache.get('key', async () => known(anna, 10_000))
    now = 9_999
    expect(await cache.get('key', async () => undefined)).toBe(anna)
    now = 10_000
    expect(await cache.get('key', async () => undefined)).toBeUndefined()
  })

  it('is asked again soon when nobody was there', async () => {
    let now = 0
    const cache = new ActorCache(() => now)
    await cache.get('key', async () => undefined)
    now = 15_001
    expect(await cache.get('key', async () => known(anna))).toBe(anna)
  })

  it('is asked again after the person was forgotten, others are not', async () => {
    const cache = new ActorCache()
    await cache.get('a', async () => known(anna))
    await cache.get('b', async () => known(boris))
    cache.forget('anna')
    expect(await cache.get('a', async () => undefined)).toBeUndefined()
    expect(await cache.get('b', async () => undefined)).toBe(boris)
  })

  it.each([
    ['forgotten', (cache: ActorCache) => cache.forget('anna')],
    ['cleared', (cache: ActorCache) => cache.clear()],
  ])('is not kept when it was %s during the look-up', async (_, forget) => {
    const cache = new ActorCache()
    const looked = Promise.withResolvers<Identified>()
    const first = cache.get('a', () => looked.promise)
    forget(cache)
    looked.resolve(known(anna))
    expect(await first).toBe(anna)
    expect(await cache.get('a', async () => undefined)).toBeUndefined()
  })

  it('is kept when somebody else was forgotten during the look-up', async () => {
    const cache = new ActorCache()
    const looked = Promise.withResolvers<Identified>()
    const first = cache.get('a', () => looked.promise)
    cache.forget('boris')
    looked.resolve(known(anna))
    await first
    expect(await cache.get('a', async () => undefined)).toBe(anna)
  })
})
