import { afterEach, expect, test, vi } from 'vitest'
import { pendingOf } from '../testing/pending.ts'
import { pushServer } from './http.ts'
import { Identity } from './identity.ts'

const session = (id: string | null, epoch = 1) => Response.json({ user: id === null ? null : { id, epoch } })
const network = (answer: () => Response | Promise<Response>) => {
  const fetch = vi.fn<(path: string) => Promise<Response>>(async () => answer())
  vi.stubGlobal('fetch', fetch)
  return fetch
}
afterEach(() => vi.unstubAllGlobals())

test('it asks once, and again when in doubt', async () => {
  const fetch = network(() => session('ann'))
  const identity = new Identity('ann', 1)
  expect(await Promise.all([identity.isOurs(), identity.isOurs()])).toEqual([true, true])
  await identity.isOurs()
  expect(fetch).toHaveBeenCalledTimes(1)
  identity.doubt()
  await identity.isOurs()
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('it takes the new epoch with the answer', async () => {
  network(() => session('ann', 7))
  const identity = new Identity('ann', 1)
  await identity.isOurs()
  expect(identity.epoch).toBe(7)
})

test.each([
  ['somebody else', 'bob'],
  ['nobody', null],
])("with %s's session, nothing of ours is sent", async (_, id) => {
  const fetch = network(() => session(id))
  const reply = await pushServer(new Identity('ann', 1), 'device', [pendingOf(1)])
  expect(reply).toEqual({ ok: false, failure: { kind: 'http', status: 401 } })
  expect(fetch.mock.calls.map(([path]) => path)).toEqual(['/api/session'])
})

test('a server that cannot be asked is a network failure, not a sign-out', async () => {
  network(() => Promise.reject(new TypeError('offline')))
  expect(await pushServer(new Identity('ann', 1), 'device', [pendingOf(1)])).toEqual({
    ok: false,
    failure: { kind: 'network' },
  })
})

test('a page in place of an answer (a captive portal) decides nothing', async () => {
  const identity = new Identity('ann', 1)
  identity.heard('ann')
  network(() => Response.json({ welcome: 'to our wireless' }))
  expect(await pushServer(identity, 'device', [pendingOf(1)])).toEqual({ ok: false, failure: { kind: 'network' } })
})
