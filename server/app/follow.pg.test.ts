import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PollReplyFrame, ServerFrame } from '../../sync/protocol/socket.ts'
import type { Device, DeviceSocket } from './testing/browserless.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

describe('a shape that is followed on the socket', () => {
  let server: TestServer
  let person: Device
  beforeAll(async () => {
    server = await startTestServer()
    person = await server.person()
  })
  afterAll(() => server.stop())

  /** Where a reader stands who has read all of a shape. */
  async function end(shape: string): Promise<Record<string, string>> {
    const query: Record<string, string> = { offset: '-1' }
    for (;;) {
      const { headers } = await person.request('GET', `/api/sync/shapes/${shape}?${new URLSearchParams(query)}`)
      query['handle'] = headers.get('electric-handle') ?? ''
      query['offset'] = headers.get('electric-offset') ?? ''
      if (headers.has('electric-up-to-date')) return { ...query, live: 'true' }
    }
  }
  const set = async (value: string) => {
    const user = (await person.request('GET', '/api/session')).json()['user']
    await server.db.query(
      `insert into preferences (user_id, key, value, hlc) values ($1, 'theme', to_jsonb($2::text), 'h')
       on conflict (user_id, key) do update set value = excluded.value`,
      [Object(user).id, value],
    )
  }
  const replyWith = async (socket: DeviceSocket, id: number, text: string): Promise<PollReplyFrame> => {
    const frame = await socket.until((one) => isReply(one, id) && one.body.includes(text))
    if (!isReply(frame, id)) throw new Error('not a reply')
    return frame
  }

  it('is sent on without being asked again, each answer from where the one before ended', async () => {
    const socket = await person.socket()
    socket.send({ t: 'poll', id: 1, shape: 'preferences', query: await end('preferences'), follow: true })
    const seen: PollReplyFrame[] = []
    for (const value of ['one', 'two', 'three']) {
      await set(value)
      seen.push(await replyWith(socket, 1, value))
    }
    expect(seen.map(({ status, more, body }) => [status, more, JSON.parse(body).length])).toEqual([
      [200, true, 2],
      [200, true, 2],
      [200, true, 2],
    ])
    expect(new Set(seen.map(({ headers }) => headers['electric-offset'])).size).toBe(3)
    expect(socket.frames.filter((frame) => isReply(frame, 1))).toHaveLength(3)
    socket.close()
  })

  it('is answered once by a reader that does not follow, and no more once it is given up', async () => {
    const socket = await person.socket()
    socket.send({ t: 'poll', id: 1, shape: 'preferences', query: await end('preferences') })
    socket.send({ t: 'poll', id: 2, shape: 'preferences', query: await end('preferences'), follow: true })
    await set('four')
    expect((await replyWith(socket, 1, 'four')).more).toBeUndefined()
    await replyWith(socket, 2, 'four')
    socket.send({ t: 'poll.cancel', id: 2 })
    socket.send({ t: 'poll', id: 3, shape: 'preferences', query: await end('preferences'), follow: true })
    // frames are read in their order: the third poll is answered after the second was given up
    await set('five')
    await replyWith(socket, 3, 'five')
    await set('six')
    await replyWith(socket, 3, 'six')
    expect(socket.frames.filter((frame) => isReply(frame, 1) || isReply(frame, 2))).toHaveLength(2)
    socket.close()
  })

  it('ends with a refusal, after which the reader asks for itself', async () => {
    const socket = await person.socket()
    const query = { ...(await end('preferences')), handle: '1-1' }
    socket.send({ t: 'poll', id: 1, shape: 'preferences', query, follow: true })
    const refused = await socket.until((frame) => isReply(frame, 1))
    expect(refused).toMatchObject({ status: 409 })
    expect(refused).not.toHaveProperty('more')
    socket.send({ t: 'poll', id: 1, shape: 'preferences', query: await end('preferences'), follow: true })
    await set('seven')
    await replyWith(socket, 1, 'seven')
    socket.close()
  })
})

function isReply(frame: ServerFrame, id: number): frame is PollReplyFrame {
  return frame.t === 'poll.reply' && frame.id === id
}
