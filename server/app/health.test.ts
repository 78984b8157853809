import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { healthRoutes } from './health.ts'

const token = '0123456789abcdef'
let server: Server
let port: number
beforeAll(async () => {
  const app = express()
  app.use(healthRoutes({ parts: { store: () => ({ state: 'degraded', reason: '/srv/secret is full' }) }, token }))
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** fetch would not let us choose the Host. */
const ready = (headers: Record<string, string>) =>
  new Promise<unknown>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/api/ready', headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(JSON.parse(text)))
    })
    sent.on('error', reject).end()
  })

const withReason = { status: 'ready', parts: { store: { state: 'degraded', reason: '/srv/secret is full' } } }
const without = { status: 'ready', parts: { store: { state: 'degraded' } } }

it('names reasons to this machine', async () => {
  expect(await ready({})).toEqual(withReason)
  expect(await ready({ host: 'localhost:1' })).toEqual(withReason)
})

it.each([
  ['x-forwarded-for', '203.0.113.7'],
  ['forwarded', 'for=203.0.113.7'],
  ['x-real-ip', '203.0.113.7'],
  ['via', '1.1 proxy'],
])('names none to whom a proxy on this machine speaks for (%s)', async (name, value) => {
  expect(await ready({ [name]: value })).toEqual(without)
})

it('names none to a web page whose name was made to point here', async () => {
  expect(await ready({ host: 'evil.example' })).toEqual(without)
})

it('names them to the token, wherever it comes from', async () => {
  const elsewhere = { 'x-forwarded-for': '203.0.113.7', host: 'banyan.example' }
  expect(await ready({ ...elsewhere, authorization: `Bearer ${token}` })).toEqual(withReason)
  expect(await ready({ ...elsewhere, authorization: `Bearer ${token}x` })).toEqual(without)
  expect(await ready({ ...elsewhere, authorization: token })).toEqual(without)
})
