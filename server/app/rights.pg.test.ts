import { get } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENDPOINTS } from '../../shared/endpoints.ts'
import { isPermission, mayDo, PERMISSIONS, ROLES, type Role } from '../../shared/identity/permissions.ts'
import { newId } from '../../shared/kernel/id.ts'
import { MUTATORS, QUERIES } from '../../shared/registry.ts'
import { SHAPE_NAMES } from '../../sync/protocol/shapes.ts'
import { createDevice, type Device } from './testing/browserless.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

/** Every door with every role: nothing opens that the table of permissions does not open. */

let server: TestServer
const people = new Map<Role, Device>()
let stranger: Device

beforeAll(async () => {
  server = await startTestServer()
  stranger = createDevice(server.origin)
  for (const role of ROLES) people.set(role, await server.person([role]))
})
afterAll(() => server.stop())

const filled = (path: string) => path.replace(/:slug/, 'no-such-agent').replace(/:[a-z_]+/g, () => newId())
const bodyOf = (method: string) => (method === 'GET' || method === 'DELETE' ? undefined : {})

describe('every endpoint', () => {
  it.each(ENDPOINTS.map((contract) => [contract.id, contract] as const))(
    '%s answers nobody it should not',
    async (_id, contract) => {
      expect(contract.access === 'public' || isPermission(contract.access)).toBe(true)
      const path = filled(contract.path)
      const anonymous = await stranger.request(contract.method, path, bodyOf(contract.method))
      if (contract.access === 'public') {
        expect(anonymous.status).not.toBe(401)
        return
      }
      expect(anonymous.status).toBe(401)
      for (const role of ROLES) {
        // Ending all sessions would sign the walker out.
        if (contract.id === 'session.end-all') continue
        const device = people.get(role)
        const reply = await device?.request(contract.method, path, bodyOf(contract.method))
        if (mayDo([role], contract.access)) expect([401, 403], `${role} ${contract.id}`).not.toContain(reply?.status)
        else expect(reply?.status, `${role} ${contract.id}`).toBe(403)
      }
    },
  )

  it('is served: no contract without a handler', async () => {
    for (const contract of ENDPOINTS) {
      const reply = await stranger.request(contract.method, filled(contract.path), bodyOf(contract.method))
      const code = reply.text.includes('request/not-found')
      expect(code, contract.id).toBe(false)
    }
  })
})

describe('every query, shape and mutation', () => {
  it.each(Object.keys(QUERIES))('query %s wants a session', async (name) => {
    expect((await stranger.request('POST', `/api/query/${name}`, { params: {} })).status).toBe(401)
  })

  it.each([...SHAPE_NAMES])('shape %s wants a session', async (name) => {
    expect((await stranger.request('GET', `/api/sync/shapes/${name}?offset=-1`)).status).toBe(401)
    const reply = await people.get('user')?.request('GET', `/api/sync/shapes/${name}?offset=-1`)
    expect(reply?.status).toBe(200)
    expect(reply?.headers.get('cache-control')).toBe('private, no-store')
  })

  it('knows no other query and no other shape', async () => {
    for (const name of ['__proto__', 'constructor', 'users', 'agent_versions', '../chat.list']) {
      expect(
        (await people.get('admin')?.request('POST', `/api/query/${encodeURIComponent(name)}`, { params: {} }))?.status,
      ).toBe(404)
      expect(
        (await people.get('admin')?.request('GET', `/api/sync/shapes/${encodeURIComponent(name)}?offset=-1`))?.status,
      ).toBe(404)
    }
  })

  it.each(Object.values(MUTATORS).map((mutator) => [mutator.name, mutator] as const))(
    'mutation %s is refused without its permission',
    async (_name, mutator) => {
      expect(isPermission(mutator.permission)).toBe(true)
      for (const role of ROLES) {
        const { results } = (await people.get(role)?.push({ name: mutator.name, args: {} })) ?? { results: [] }
        const code = results[0]?.error?.code
        if (mayDo([role], mutator.permission)) expect(code, role).not.toBe('auth/forbidden')
        else expect(code, role).toBe('auth/forbidden')
      }
    },
  )

  it('pushes nothing for a stranger', async () => {
    expect((await stranger.request('POST', '/api/sync/push', {})).status).toBe(401)
  })
})

describe('the socket', () => {
  it('opens for a session only, and from our own pages only', async () => {
    await expect(stranger.socket()).rejects.toThrow(/401/)
    const thief = createDevice(server.origin, people.get('user')?.cookie)
    const { WebSocket } = await import('ws')
    const foreign = new WebSocket(`${server.origin.replace('http', 'ws')}/api/socket`, {
      headers: { cookie: thief.cookie, origin: 'https://evil.example' },
    })
    await expect(new Promise((resolve, reject) => foreign.on('open', resolve).on('error', reject))).rejects.toThrow(
      /403/,
    )
  })

  it('knows no verb but poll, poll.cancel and ping, and reads no shape of others', async () => {
    const user = people.get('user')
    const socket = await user?.socket()
    socket?.send({ t: 'poll', id: 1, shape: 'users', query: { offset: '-1' } })
    const reply = await socket?.until((frame) => frame.t === 'poll.reply' && frame.id === 1)
    expect(reply).toMatchObject({ status: 404 })
    socket?.send({ t: 'run.subscribe', run: newId() })
    expect(await socket?.closed).toMatchObject({ code: 4007 })
  })

  it('closes when the session ends everywhere', async () => {
    const person = await server.person()
    const socket = await person.socket()
    await socket.until((frame) => frame.t === 'hello')
    expect((await person.request('POST', '/api/sessions/end-all', {})).status).toBe(200)
    expect(await socket.closed).toMatchObject({ code: 4001 })
    expect(
      (await person.request('POST', '/api/query/chat.list', { params: { status: 'active', limit: 1 } })).status,
    ).toBe(401)
  })

  it('closes when a role is taken away, and the rights are gone at once', async () => {
    const admin = people.get('admin')
    const person = await server.person(['user', 'developer'])
    const socket = await person.socket()
    await socket.until((frame) => frame.t === 'hello')
    expect((await admin?.request('PATCH', `/api/users/${person.user_id}`, { roles: ['user'] }))?.status).toBe(200)
    expect(await socket.closed).toMatchObject({ code: 4001 })
  })
})

describe('cross-site requests', () => {
  it('change nothing, whatever they carry', async () => {
    const person = await server.person()
    const evil = { origin: 'https://evil.example' }
    for (const [method, path] of [
      ['POST', '/api/sync/push'],
      ['POST', '/api/keys'],
      ['POST', '/api/sessions/end-all'],
      ['POST', '/api/auth/sign-out'],
      ['POST', '/api/query/chat.list'],
    ] as const) {
      expect((await person.request(method, path, {}, evil)).status, path).toBe(403)
    }
  })

  it('by a name that is not this server’s are refused, which stops DNS rebinding', async () => {
    expect(await statusFor('evil.example')).toBe(421)
    expect(await statusFor(new URL(server.origin).host)).toBe(200)
  })
})

/** Status of `/api/session` under a Host of our choosing; fetch would not let us choose. */
function statusFor(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${server.origin}/api/session`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}

it('has a holder for every permission, and admin holds all that others do not need apart', () => {
  for (const [permission, holders] of Object.entries(PERMISSIONS)) expect(holders.length, permission).toBeGreaterThan(0)
  expect(mayDo(['admin'], 'no:such')).toBe(false)
  expect(mayDo([], 'profile:read')).toBe(false)
})
