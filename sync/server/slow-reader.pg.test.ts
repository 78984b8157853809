import { connect, type Socket } from 'node:net'
import { createGunzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, startShapeHarness, type ShapeHarness } from './testing.ts'

const MEGABYTE = 1024 * 1024
const READERS = 12
const sockets: Socket[] = []

describe('readers who take little, or nothing', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({ limits: { chunkSize: 64 * MEGABYTE } }, undefined, { stalledMs: 2_000 })
    await harness.db.query(
      `create table long (id int primary key, note text);
       insert into long select n, repeat(md5(n::text), 100) from generate_series(1, 8000) n`,
    )
  })
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    await harness.close()
  })

  const path = `/v1/shape?secret=${SECRET}&table=long&offset=-1`
  const ask = (encoding: string): Socket => {
    const { hostname, port } = new URL(harness.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: ${encoding}\r\n\r\n`)
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  const memory = (): number => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return (heapUsed + external) / MEGABYTE
  }

  it('hold no pages in memory, and are cut off when they take nothing', { timeout: 30_000 }, async () => {
    const whole = await (await fetch(`${harness.url}${path}`)).text()
    // 8000 rows of 3.3 KB: one page, more than the kernel takes for a connection.
    expect(whole.length).toBeGreaterThan(25 * MEGABYTE)
    const before = memory()
    for (let reader = 0; reader < READERS; reader += 1) ask('identity').pause()
    await expect.poll(() => harness.connections(), { timeout: 10_000 }).toBeGreaterThanOrEqual(READERS)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(memory() - before).toBeLessThan(READERS * 3)
    await expect.poll(() => harness.connections(), { timeout: 20_000 }).toBeLessThan(READERS / 2)
  })

  it.each(['identity', 'gzip'])(
    'get everything in the end when they are only slow (%s)',
    { timeout: 30_000 },
    async (encoding) => {
      const socket = ask(encoding)
      const chunks: Buffer[] = []
      let seen = 0
      for await (const chunk of socket) {
        chunks.push(chunk)
        seen += chunk.length
        if (seen > MEGABYTE / 2) {
          seen = 0
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      const answer = Buffer.concat(chunks)
      const start = answer.indexOf('\r\n\r\n') + 4
      const body = unchunk(answer.subarray(start))
      const text = encoding === 'gzip' ? await gunzip(body) : body.toString()
      expect(JSON.parse(text)).toHaveLength(JSON.parse(await (await fetch(`${harness.url}${path}`)).text()).length)
    },
  )
})

function unchunk(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const line = body.indexOf('\r\n', at)
    const length = Number.parseInt(body.toString('latin1', at, line), 16)
    parts.push(body.subarray(line + 2, line + 2 + length))
    at = line + 4 + length
  }
  return Buffer.concat(parts)
}

async function gunzip(body: Buffer): Promise<string> {
  const stream = createGunzip()
  stream.end(body)
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString()
}
