import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDevice, type Device } from './testing/browserless.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
let person: Device
beforeAll(async () => {
  server = await startTestServer()
  person = await server.person()
})
afterAll(() => server.stop())

const code = (text: string) => JSON.parse(text).error?.code

describe('bad input', () => {
  it('of malformed JSON gets a code and a request id', async () => {
    for (const path of ['/api/sync/push', '/api/query/chat.list', '/api/keys']) {
      const reply = await person.request('POST', path, '{"a":')
      expect(reply.status, path).toBe(400)
      expect(code(reply.text)).toBe('request/malformed-json')
      expect(JSON.parse(reply.text).error.request_id).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('of 50 MB is refused before it is read', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(50 * 1024 * 1024) })
    const reply = await person.request('POST', '/api/sync/push', body).catch(() => undefined)
    // The server may close the connection while the client still writes.
    if (reply) expect(reply.status).toBe(413)
    expect((await person.request('GET', '/api/health')).status).toBe(200)
  })

  it('of wrong types names the place', async () => {
    for (const body of [null, 7, 'text', [], { protocol: 'x' }, { protocol: 1, device_id: 'x', mutations: [] }]) {
      const reply = await person.request('POST', '/api/sync/push', JSON.stringify(body))
      expect(reply.status, JSON.stringify(body)).toBe(400)
      expect(code(reply.text)).toBe('request/invalid')
    }
  })

  it('of another age of the protocol is asked to update, or to wait, whatever else it says', async () => {
    for (const [protocol, status, problem] of [
      [0, 426, 'sync/client-too-old'],
      [99, 503, 'sync/server-too-old'],
    ] as const) {
      const pushed = await person.request('POST', '/api/sync/push', { protocol, form: 'of another age' })
      expect([pushed.status, code(pushed.text)]).toEqual([status, problem])
      const read = await person.request('GET', `/api/sync/shapes/chats?offset=-1&protocol=${protocol}`)
      expect([read.status, code(read.text)]).toEqual([status, problem])
      const socket = await person.socket(`?protocol=${protocol}`)
      expect(await socket.until(() => true)).toEqual({ t: 'bye', code: problem })
      expect((await socket.closed).reason).toBe(problem)
    }
  })

  it('in a cookie is nobody', async () => {
    for (const cookie of [
      `${person.cookie}x`,
      person.cookie.replace(/=(.)/, (_, first: string) => (first === 'A' ? '=B' : '=A')),
      'banyan.session_token=%00',
      'banyan.session_token=a.b',
      '__proto__=1',
    ]) {
      const reply = await createDevice(server.origin, cookie).request('POST', '/api/query/chat.list', {
        params: { status: 'active', limit: 1 },
      })
      expect(reply.status, cookie).toBe(401)
    }
  })

  it('in addresses finds nothing and shows nothing', async () => {
    for (const path of [
      '/api/no-such',
      '/%',
      '/api/%ff',
      '/../../etc/passwd',
      '/assets/../../package.json',
      '/api/store/agents/%00',
      '/api/runs/not-an-id',
    ]) {
      const reply = await person.request('GET', path)
      expect(reply.text, path).not.toMatch(/root:|"dependencies"|node_modules|at .*\.ts:\d+/)
      expect(reply.status, path).toBeLessThan(500)
    }
  })

  it('on the wire below HTTP does not end the server', async () => {
    const port = Number(new URL(server.origin).port)
    for (const bytes of [
      'GARBAGE\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      '\u0000'.repeat(1000),
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
        socket.on('close', () => resolve()).on('error', () => resolve())
        setTimeout(() => socket.destroy(), 300)
      })
    }
    expect((await person.request('GET', '/api/health')).status).toBe(200)
  })

  it('on the socket closes that socket only', async () => {
    for (const frame of [
      'not json',
      '[]',
      '{"t":"poll"}',
      '{"t":"poll","id":1,"shape":{},"query":[]}',
      'x'.repeat(100_000),
    ]) {
      const socket = await person.socket()
      socket.send(frame)
      expect([4007, 1009], frame.slice(0, 30)).toContain((await socket.closed).code)
    }
    expect((await person.request('GET', '/api/ready')).status).toBe(200)
  })

  it('at sign-in slows the guesser down, not the neighbour', async () => {
    const device = createDevice(server.origin)
    const statuses: number[] = []
    for (let attempt = 0; attempt < 12; attempt++) {
      statuses.push(
        (
          await device.request('POST', '/api/auth/sign-in/email', {
            email: 'victim@example.com',
            password: `guess number ${attempt}`,
          })
        ).status,
      )
    }
    expect(statuses.slice(0, 10).every((status) => status === 401)).toBe(true)
    expect(statuses.at(-1)).toBe(429)
    expect((await server.person()).cookie).not.toBe('')
  })

  it('cannot give itself a role at sign-up', async () => {
    const device = createDevice(server.origin)
    const asked = { name: 'x', email: 'x@example.com', password: 'long enough words' }
    const stored = () => server.db.query("select roles, epoch from users where email = 'x@example.com'")
    await device.request('POST', '/api/auth/sign-up/email', { ...asked, roles: ['admin'], epoch: 9, id: 'a' })
    expect(JSON.stringify(await stored())).not.toContain('admin')
    // Such a request may be refused as a whole; an honest one makes the account that the rest is about.
    await device.request('POST', '/api/auth/sign-up/email', asked)
    expect(await stored()).toEqual([{ roles: ['user', 'developer'], epoch: 1 }])
    await device.request('POST', '/api/auth/update-user', { name: 'y', roles: ['admin'] })
    expect(await stored()).toEqual([{ roles: ['user', 'developer'], epoch: 1 }])
  })
})

describe('asking who has an account', () => {
  it('learns nothing from sign-in, and by sign-up about few', async () => {
    const known = await server.person()
    const ask = (path: string, email: string) =>
      createDevice(server.origin).request('POST', path, { name: 'x', email, password: 'not their password' })
    const wrong = await ask('/api/auth/sign-in/email', known.email)
    const nobody = await ask('/api/auth/sign-in/email', 'nobody@example.com')
    const without = (text: string) => text.replace(/"request_id":"[^"]+"/, '')
    expect([wrong.status, without(wrong.text)]).toEqual([nobody.status, without(nobody.text)])

    const statuses: number[] = []
    for (let n = 0; n < 11; n++) statuses.push((await ask('/api/auth/sign-up/email', known.email)).status)
    expect([statuses[0], statuses.at(-1)]).toEqual([422, 429])
  })
})

describe('set-up', () => {
  it('wants the printed token, works once, and then is closed', async () => {
    const token = await server.application.setupToken()
    const admin = { name: 'Root', email: 'root@example.com', password: 'a very long password' }
    const device = createDevice(server.origin)
    expect(code((await device.request('POST', '/api/setup', { ...admin, token: 'wrong' })).text)).toBe(
      'auth/setup-token',
    )
    expect((await device.request('POST', '/api/setup', { ...admin, token })).status).toBe(200)
    expect((await device.request('POST', '/api/setup', { ...admin, token })).status).toBe(409)
    expect(
      (await device.request('POST', '/api/auth/sign-in/email', { email: admin.email, password: admin.password }))
        .status,
    ).toBe(200)
    expect((await device.request('GET', '/api/users')).status).toBe(200)
  })
})
