import { heldFor, type TurnTimes, type VirtualUser } from './virtual-user.ts'

/** A program that has an agent answer over `/v1/chat/completions`, streamed. A turn ends with the stream. */
export function createApiUser(origin: string, key: string): VirtualUser {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({
    model: 'agent/assistant',
    stream: true,
    messages: [{ role: 'user', content: '请用一百个词说明本地优先软件的好处。' }],
  })
  const leave = new AbortController()
  return {
    connect: () => Promise.resolve(),
    async turn() {
      const started = performance.now()
      const { signal } = leave
      const response = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers, body, signal })
      if (response.status !== 200 || !response.body)
        throw new Error(`/v1: ${response.status} ${(await response.text()).slice(0, 200)}`)
      const times: TurnTimes = { first_token: Number.NaN, holds: [], total: Number.NaN }
      const decoder = new TextDecoder()
      let rest = ''
      for await (const bytes of response.body) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) hear(line, started, times)
      }
      if (Number.isNaN(times.total)) throw new Error('/v1: the answer broke off')
      return times
    },
    close: () => leave.abort(),
  }
}

function hear(line: string, started: number, times: TurnTimes): void {
  if (!line.startsWith('data: ')) return
  if (line === 'data: [DONE]') {
    times.total = performance.now() - started
    return
  }
  const { error, choices } = JSON.parse(line.slice(6))
  if (error) throw new Error(`/v1: ${error.message}`)
  const text: string = choices?.[0]?.delta?.content ?? ''
  if (text === '') return
  if (Number.isNaN(times.first_token)) times.first_token = performance.now() - started
  times.holds.push(...heldFor(text))
}
