import { afterEach, expect, test, vi } from 'vitest'
import { pendingOf } from '../testing/pending.ts'
import { pushServer } from './http.ts'
import { Identity } from './identity.ts'
import { shapeFetch } from './shape-fetch.ts'
import { Socket } from './socket.ts'

const session = (id: string | null, epoch = 1) => Response.json({ user: id === null ? null : { id, epoch } })
const network = (answer: () => Response | Promise<Response>) => {
  const fetch = vi.fn<(path: string) => Promise<Response>>(async () => answer())
  vi.stubGlobal('fetch', fetch)
  return fetch
}
const never = () => expect.unreachable()
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

/** What waits stays where it is, and may still be changed. */
const untouched = () => expect.unreachable()

test.each([
  ['somebody else', 'bob'],
  ['nobody', null],
])("with %s's session, nothing of ours is sent (I14)", async (_, id) => {
  const fetch = network(() => session(id))
  const reply = await pushServer(new Identity('ann', 1), 'device', untouched)
  expect(reply).toEqual({ ok: false, failure: { kind: 'http', status: 401 } })
  expect(fetch.mock.calls.map(([path]) => path)).toEqual(['/api/session'])
})

test("with somebody else's session, no shape is read (I14)", async () => {
  const fetch = network(() => session('bob'))
  const socket = new Socket('ws://127.0.0.1:1', { onFrame: never, onOpen: never, onClose: never })
  const deps = { socket, identity: new Identity('ann', 1), onReached: never, onLost: never }
  const read = shapeFetch('chats', deps)
  expect((await read('http://127.0.0.1:1/api/sync/shapes/chats?offset=-1')).status).toBe(401)
  expect(fetch.mock.calls.map(([path]) => path)).toEqual(['/api/session'])
})

test('a server that cannot be asked is a network failure, not a sign-out', async () => {
  network(() => Promise.reject(new TypeError('offline')))
  expect(await pushServer(new Identity('ann', 1), 'device', untouched)).toEqual({
    ok: false,
    failure: { kind: 'network' },
  })
})

test('a page in place of an answer (a captive portal) decides nothing', async () => {
  const identity = new Identity('ann', 1)
  identity.heard('ann')
  network(() => Response.json({ welcome: 'to our wireless' }))
  expect(await pushServer(identity, 'device', async () => [pendingOf(1)])).toEqual({
    ok: false,
    failure: { kind: 'network' },
  })
})
