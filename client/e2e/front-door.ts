import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/** A reverse proxy before the product, as most servers have one; here it can also go away, and serve another version. */
export interface FrontDoor {
  readonly origin: string
  /** Ends every connection and takes none: nobody has a network. */
  shut(): void
  open(): void
  /** From now on `path` is answered with what `change` makes of it. */
  alter(path: string, change: (text: string) => string): void
  close(): Promise<void>
}

export async function createFrontDoor(to: string): Promise<FrontDoor> {
  const { hostname, port } = new URL(to)
  const sockets = new Set<Socket>()
  const altered = new Map<string, (text: string) => string>()
  let isOpen = true

  const server = createServer((incoming, outgoing) => {
    const { method, url = '/', headers } = incoming
    const change = altered.get(url)
    const asked = { hostname, port, method, path: url, headers: change ? whole(headers) : headers }
    const onward = request(asked, async (reply) => {
      if (!change) {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers)
        reply.pipe(outgoing)
        return
      }
      const { 'content-length': _length, etag: _tag, ...rest } = reply.headers
      const text = change(await textOf(reply))
      outgoing.writeHead(reply.statusCode ?? 502, rest).end(text)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.on('upgrade', ({ method, url, rawHeaders }: IncomingMessage, client: Socket, head: Buffer) => {
    const onward = connect(Number(port), hostname, () => {
      const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))
      onward.write(`${[`${method} ${url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
      onward.write(head)
      onward.pipe(client).pipe(onward)
    })
    onward.on('error', () => client.destroy())
    client.on('error', () => onward.destroy())
    client.on('close', () => onward.destroy())
  })
  server.on('connection', (socket) => {
    if (!isOpen) return void socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A listening TCP server has an address of this kind.
  const address = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${address.port}`,
    shut() {
      isOpen = false
      cut()
    },
    open: () => (isOpen = true),
    alter: (path, change) => altered.set(path, change),
    async close() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Headers that ask for the whole text: not packed, and not only if it has changed. */
function whole(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'if-none-match': _tag, 'if-modified-since': _time, ...rest } = headers
  return { ...rest, 'accept-encoding': 'identity' }
}

async function textOf(reply: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of reply) text += String(chunk)
  return text
}
