import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
let port: number
beforeAll(async () => {
  server = await startTestServer({ ELECTRIC_SECRET: 'secret-of-shapes' })
  port = Number(new URL(server.origin).port)
})
afterAll(() => server.stop())

interface RawAnswer {
  status: number
  body: string
}

/** Sends bytes as they are, and reads until the server closes or has said nothing for a while. */
function send(bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const done = () => {
      socket.destroy()
      // An interim answer, such as 100, is none.
      const [head = '', body = ''] = text.replace(/^HTTP\/1\.1 1\d\d .*?\r\n\r\n/s, '').split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), body })
    }
    socket.setTimeout(3_000, done)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('close', done).on('error', done)
  })
}

const JSON_TYPE = 'content-type: application/json\r\n'

function request(method: string, path: string, headers = '', body: string | Buffer = ''): Buffer {
  const length = body.length > 0 || method !== 'GET' ? `content-length: ${Buffer.byteLength(body)}\r\n` : ''
  const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${length}${headers}connection: close\r\n\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(body)])
}

/** What every error holds, under `/v1` in OpenAI's shape. */
function expectShape({ status, body }: RawAnswer, path: string, code: string | undefined, wanted: number) {
  expect(status, body).toBe(wanted)
  const { error } = JSON.parse(body)
  expect(error).toMatchObject({ code: code ?? expect.any(String), message: expect.stringMatching(/\S/) })
  if (path.startsWith('/v1/chat')) expect(error).toMatchObject({ type: 'invalid_request_error', param: null })
  else expect(error).toMatchObject({ params: {}, request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
}

const READERS = ['/api/auth/sign-in/email', '/api/keys', '/api/setup', '/api/sync/push', '/v1/chat/completions']

describe('every error has the one shape', () => {
  it.each(READERS)('of bodies that cannot be read, at %s', async (path) => {
    const post = (headers: string, body: string | Buffer) => send(request('POST', path, headers, body))
    expectShape(await post(JSON_TYPE, '{"a":'), path, 'request/malformed-json', 400)
    expectShape(await post('content-type: application/json; charset=klingon\r\n', '{}'), path, 'request/invalid', 400)
    expectShape(await post(`${JSON_TYPE}content-encoding: zstd9\r\n`, '{}'), path, 'request/invalid', 400)
    expectShape(await post(`${JSON_TYPE}content-encoding: gzip\r\n`, '{}'), path, 'request/invalid', 400)
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, ' '))
    expectShape(await post(`${JSON_TYPE}content-encoding: gzip\r\n`, bomb), path, 'request/too-large', 413)
    const declared = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${JSON_TYPE}content-length: 52428800\r\n\r\n{`
    // Refused by what it says of itself, in our own shape, before any contract is looked at.
    expectShape(await send(declared), '', 'request/too-large', 413)
  })

  it.each([
    ['GET', '/api/no-such'],
    ['GET', '/internal/run-frames'],
    ['GET', '/mcp/no-such'],
    ['GET', '/assets/no-such.js'],
    ['PUT', '/api/keys'],
    ['TRACE', '/api/session'],
    ['POST', '/chat'],
    ['GET', '//'],
    ['GET', '//evil.example/api/session'],
    ['POST', '/api/auth//sign-in/email'],
    ['POST', '/api/auth/sign-in/social'],
    ['POST', '/api/auth/request-password-reset'],
    ['GET', '/api/auth/reference'],
    ['GET', '/api/auth/error'],
    ['GET', '/v1/chat/no-such'],
    ['GET', '/v1/chat/completions'],
  ])('of addresses that are not there: %s %s', async (method, path) => {
    const body = method === 'GET' || method === 'TRACE' ? '' : '{}'
    expectShape(await send(request(method, path, body && JSON_TYPE, body)), path, 'request/not-found', 404)
  })

  it('of sign-in, beside better-auth’s own', async () => {
    const wrong = JSON.stringify({ email: 'nobody@example.com', password: 'not a password' })
    const answer = await send(request('POST', '/api/auth/sign-in/email', JSON_TYPE, wrong))
    expectShape(answer, '', 'auth/wrong-password', 401)
    expect(JSON.parse(answer.body).code).toBe('INVALID_EMAIL_OR_PASSWORD')
    expectShape(await send(request('POST', '/api/auth/sign-in/email', JSON_TYPE, '{}')), '', 'request/invalid', 400)
    expectShape(await send(request('POST', '/api/auth/update-user', JSON_TYPE, '{}')), '', 'auth/required', 401)
    const form = 'content-type: application/x-www-form-urlencoded\r\n'
    expectShape(await send(request('POST', '/api/auth/sign-in/email', form, 'a=b')), '', undefined, 400)
  })

  it.each([
    ['GARBAGE\r\n\r\n', 400],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n folded\r\n\r\n', 400],
    ['GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\u0000b\r\n\r\n', 400],
    ['GET /api/session HTTP/1.1\nHost: 127.0.0.1\n\n', 400],
    ['POST /api/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
    ['POST /api/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n{}', 400],
    ['POST /api/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n', 400],
    [`GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
    ['GET /api/session HTTP/1.1\r\nConnection: close\r\n\r\n', 421],
    ['GET /api/session HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 421],
  ])('of what is not HTTP as it should be: %j', async (bytes, status) => {
    expectShape(await send(bytes), '', undefined, status)
  })

  it('and a request hidden behind another is not answered', async () => {
    const hidden = `GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
    const both = `POST /api/keys HTTP/1.1\r\nHost: 127.0.0.1\r\n${JSON_TYPE}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`
    const answer = await send(both)
    expectShape(answer, '', 'request/invalid', 400)
    expect(answer.body).not.toContain('"ok"')
  })
})

describe('a GET request with a body', () => {
  it.each([
    ['content-length: 2\r\n', '{}'],
    ['transfer-encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n'],
  ])('is refused, and the server lives on (%j)', async (header, body) => {
    for (const path of ['/api/session', '/api/keys', '/api/sync/shapes/chats', '/v1/models', '/metrics']) {
      const bytes = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${JSON_TYPE}${header}connection: close\r\n\r\n${body}`
      expectShape(await send(bytes), '', 'request/invalid', 400)
    }
    expect((await fetch(`${server.origin}/api/health`)).status).toBe(200)
  })
})

it('an upgrade to anything but our socket finds nothing', async () => {
  const upgrade = 'connection: Upgrade\r\nupgrade: websocket\r\n'
  for (const path of ['//', '/api/keys', '/api/socket/x', '/%'])
    expect((await send(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${upgrade}\r\n`)).status, path).toBe(404)
  expect((await send(`GET /api/socket HTTP/1.1\r\nhost: 127.0.0.1\r\n${upgrade}\r\n`)).status).toBe(401)
})
