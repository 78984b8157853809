import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from './testing/ask.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

const administrator = { email: 'root@example.com', password: 'a very long password' }
const ADMIN = { BANYAN_ADMIN_EMAIL: administrator.email, BANYAN_ADMIN_PASSWORD: administrator.password }

let open: TestServer
let named: TestServer
beforeAll(async () => {
  open = await startTestServer({ HOST: '0.0.0.0', ...ADMIN })
  named = await startTestServer({ HOST: '0.0.0.0', PUBLIC_URL: 'http://banyan.example', ...ADMIN })
})
afterAll(() => Promise.all([open.stop(), named.stop()]))

const session = (server: TestServer, host: string, accept = 'application/json') =>
  ask(server.origin, { path: '/api/session', headers: { host, accept } })

function signIn(server: TestServer, host: string, origin: string) {
  return ask(server.origin, {
    method: 'POST',
    path: '/api/auth/sign-in/email',
    headers: { host, origin, 'content-type': 'application/json' },
    body: JSON.stringify(administrator),
  })
}

function upgrade(server: TestServer, host: string, cookie: string, origin = `http://${host}`) {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
  return ask(server.origin, {
    path: '/api/socket',
    headers: { ...headers, host, origin, cookie, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  })
}

const cookieOf = (reply: { headers: { 'set-cookie'?: string[] } }) =>
  (reply.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ')

describe('a server that listens everywhere', () => {
  it('answers by address and as localhost, when nobody has said what it is called', async () => {
    for (const host of ['192.168.1.5:8787', '[fe80::1]:8787', 'localhost:8787', '127.0.0.1'])
      expect((await session(open, host)).status, host).toBe(200)
    const refused = await session(open, 'evil.example')
    expect(refused.status).toBe(421)
    expect(JSON.parse(refused.text).error).toMatchObject({
      code: 'request/wrong-host',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('answers by its public name and as localhost, when somebody has', async () => {
    for (const host of ['banyan.example', 'localhost:8787']) expect((await session(named, host)).status, host).toBe(200)
    for (const host of ['192.168.1.5:8787', 'evil.example', 'banyan.example.evil.example'])
      expect((await session(named, host)).status, host).toBe(421)
  })

  it('tells a person who came by another name what to do, and serves nothing else', async () => {
    const page = await ask(open.origin, { path: '/', headers: { host: 'evil.example', accept: 'text/html' } })
    expect(page.status).toBe(421)
    expect(page.headers['content-type']).toMatch(/^text\/plain/)
    expect(page.text).toContain('PUBLIC_URL')
    expect(page.text).not.toContain('evil')
  })

  it('tells probes by any name that it is there', async () => {
    const probe = await ask(named.origin, { path: '/api/health', headers: { host: '10.0.0.9:8787' } })
    expect(probe.status).toBe(200)
  })

  it('lets people in by the address they came by, over the socket too', async () => {
    const host = '192.168.1.5:8787'
    const reply = await signIn(open, host, `http://${host}`)
    expect(reply.status, reply.text).toBe(200)
    const cookie = cookieOf(reply)
    expect((await upgrade(open, host, cookie)).status).toBe(101)
    expect((await upgrade(open, host, cookie, 'http://evil.example')).status).toBe(403)
    expect((await upgrade(open, 'evil.example', cookie)).status).toBe(421)
    expect((await signIn(open, host, 'http://192.168.1.6:8787')).status).toBe(403)
    expect((await signIn(named, '127.0.0.1:8787', 'http://banyan.example')).status).toBe(200)
  })
})

describe('limits on sign-in', () => {
  const guess = (server: TestServer, forwarded: string, path = 'sign-in/email') =>
    ask(server.origin, {
      method: 'POST',
      path: `/api/auth/${path}`,
      headers: { 'x-forwarded-for': forwarded, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Guesser', email: administrator.email, password: `guess ${Math.random()}` }),
    })

  it('tell people apart behind a proxy on this machine, once PUBLIC_URL says that there is one', async () => {
    for (let n = 0; n < 10; n++) expect((await guess(named, '203.0.113.7')).status).toBe(401)
    expect((await guess(named, '203.0.113.7')).status).toBe(429)
    // What a client itself puts before the proxy's word counts for nothing.
    expect((await guess(named, '198.51.100.1, 203.0.113.7')).status).toBe(429)
    expect((await guess(named, '203.0.113.8')).status).toBe(401)
  })
})
