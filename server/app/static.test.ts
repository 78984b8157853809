import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import express from 'express'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { serveClient } from './static.ts'

let folder: string
let server: Server
let origin: string

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'client-'))
  write('index.html', 'first')
  write('assets/app-1.js', 'one')
  const app = express()
  app.use(serveClient(folder))
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
  writeFileSync(path.join(folder, name), text)
}

async function get(address: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(origin + address, { headers })
  return { status: response.status, text: await response.text() }
}

const glance = () => new Promise((resolve) => setTimeout(resolve, 1_050))

it('answers pages and files, and an unknown file with nothing', async () => {
  expect(await get('/chats/1')).toEqual({ status: 200, text: 'first' })
  expect(await get('/assets/app-1.js')).toEqual({ status: 200, text: 'one' })
  expect((await get('/assets/other.js')).status).toBe(404)
})

it('asks to come again in the middle of a build, and serves the whole of it afterwards', async () => {
  await get('/')
  rmSync(path.join(folder, 'index.html'))
  rmSync(path.join(folder, 'assets'), { recursive: true })
  expect((await get('/')).status).toBe(503)
  await glance()
  expect((await get('/')).status).toBe(503)
  expect((await get('/assets/app-1.js')).status).toBe(503)
  write('index.html', 'second, and longer')
  expect((await get('/')).status).toBe(503)
  await glance()
  expect((await get('/')).text).toBe('second, and longer')
  write('assets/app-2.js', 'two')
  await glance()
  expect(await get('/assets/app-2.js')).toEqual({ status: 200, text: 'two' })
  expect((await get('/assets/app-1.js')).status).toBe(404)
})

it('finds a client that was built after the server had started', async () => {
  rmSync(folder, { recursive: true })
  const app = express()
  app.use(serveClient(folder))
  server.removeAllListeners('request')
  server.on('request', app)
  expect((await get('/')).status).toBe(404)
  write('index.html', 'late')
  await glance()
  expect((await get('/')).text).toBe('late')
})

/** Files of the folder that this process has open. */
function openFiles(): string[] {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return []
    }
  })
  return links.filter((link) => link.startsWith(folder))
}

it.runIf(existsSync('/proc/self/fd'))('keeps no file open for a reader who has left', async () => {
  write('assets/big-1.js', 'x'.repeat(8 << 20))
  await glance()
  const leaving = new AbortController()
  const response = await fetch(`${origin}/assets/big-1.js`, { signal: leaving.signal })
  await response.body?.getReader().read()
  await expect.poll(openFiles).toHaveLength(1)
  leaving.abort()
  await expect.poll(openFiles).toEqual([])
})

it.runIf(existsSync('/proc/self/fd'))('keeps no file open for a reader who left before the answer began', async () => {
  const port = Number(new URL(origin).port)
  for (let n = 0; n < 30; n += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET /assets/app-1.js HTTP/1.1\r\nhost: x\r\n\r\n', () => socket.resetAndDestroy())
    await once(socket, 'close')
  }
  await get('/')
  await expect.poll(openFiles).toEqual([])
})
