import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { healthRoutes } from './health.ts'

let server: Server
let origin: string
beforeAll(async () => {
  const app = express()
  app.use(healthRoutes({ store: () => ({ state: 'degraded', reason: '/srv/secret is full' }) }))
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const ready = async (headers: Record<string, string>) => (await fetch(`${origin}/api/ready`, { headers })).json()

it('names reasons to this machine', async () => {
  expect(await ready({})).toEqual({
    status: 'ready',
    parts: { store: { state: 'degraded', reason: '/srv/secret is full' } },
  })
})

it.each([
  ['x-forwarded-for', '203.0.113.7'],
  ['forwarded', 'for=203.0.113.7'],
])('names none to whom a proxy on this machine speaks for (%s)', async (name, value) => {
  expect(await ready({ [name]: value })).toEqual({ status: 'ready', parts: { store: { state: 'degraded' } } })
})
