import { request, type IncomingHttpHeaders } from 'node:http'

export interface RawReply {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** A request exactly as it is given: `fetch` would choose the Host itself, tidy the path up, and refuse some headers. */
export function ask(
  origin: string,
  {
    method = 'GET',
    path = '/',
    headers = {},
    body = '',
  }: Partial<Record<'method' | 'path' | 'body', string>> & {
    headers?: Record<string, string>
  },
): Promise<RawReply> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    // A refused upgrade is an answer like any other; an accepted one is all we want to know.
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: 101, headers: response.headers, text: '' })
    })
    sent.on('error', reject).end(body)
  })
}
