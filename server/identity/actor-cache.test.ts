import { describe, expect, it } from 'vitest'
import type { Actor } from '../kernel/request.ts'
import { ActorCache } from './actor-cache.ts'

const anna: Actor = { user_id: 'anna', name: 'Anna', email: 'a@example.com', roles: ['user'], epoch: 1, created_at: '' }
const boris: Actor = { ...anna, user_id: 'boris' }

describe('who is behind a credential', () => {
  it('is looked up once in a while', async () => {
    let now = 0
    let looks = 0
    const cache = new ActorCache(() => now)
    const find = () => cache.get('key', async () => ((looks += 1), anna))
    expect(await find()).toBe(anna)
    expect(await find()).toBe(anna)
    expect(looks).toBe(1)
    now = 15_001
    await find()
    expect(looks).toBe(2)
  })

  it('is asked again after the person was forgotten, others are not', async () => {
    const cache = new ActorCache()
    await cache.get('a', async () => anna)
    await cache.get('b', async () => boris)
    cache.forget('anna')
    expect(await cache.get('a', async () => undefined)).toBeUndefined()
    expect(await cache.get('b', async () => undefined)).toBe(boris)
  })

  it.each([
    ['forgotten', (cache: ActorCache) => cache.forget('anna')],
    ['cleared', (cache: ActorCache) => cache.clear()],
  ])('is not kept when it was %s during the look-up', async (_, forget) => {
    const cache = new ActorCache()
    const looked = Promise.withResolvers<Actor>()
    const first = cache.get('a', () => looked.promise)
    forget(cache)
    looked.resolve(anna)
    expect(await first).toBe(anna)
    expect(await cache.get('a', async () => undefined)).toBeUndefined()
  })

  it('is kept when somebody else was forgotten during the look-up', async () => {
    const cache = new ActorCache()
    const looked = Promise.withResolvers<Actor>()
    const first = cache.get('a', () => looked.promise)
    cache.forget('boris')
    looked.resolve(anna)
    await first
    expect(await cache.get('a', async () => undefined)).toBe(anna)
  })
})
