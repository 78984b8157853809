import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a mock model misbehaves. */
export type MockFault =
  /** Status 500. */
  | 'error'
  /** Accepts the request and says nothing. */
  | 'hang'
  /** Speaks half of its tokens, then says nothing more. */
  | 'stall'
  /** Speaks half of its tokens, then closes the connection properly, without a finish. */
  | 'half-close'
  /** Speaks half of its tokens, then breaks the connection. */
  | 'reset'
  /** Status 200 and a page of HTML. */
  | 'rubbish'
  /** Status 200 and events that are no JSON. */
  | 'bad-json'
  /** Well-formed chunks whose values are of other types than they should be. */
  | 'wrong-types'
  /** Half of its tokens, then a line that never ends. */
  | 'endless-line'
  /** Thinks aloud for ever and never answers. */
  | 'endless-reasoning'
  /** Finishes, but neither says [DONE] nor closes. */
  | 'no-done'
  /** Says [DONE] without another finish, and does not close. */
  | 'only-done'
  /** Finishes, then breaks the connection. */
  | 'late-reset'
  /** Speaks half of its tokens, then sends an error as an event; it quotes the key. */
  | 'error-event'
  /** Finishes properly without a word. */
  | 'silence'
  /** Status 200 and nothing. */
  | 'empty'
  /** Status 429 with Retry-After. */
  | 'rate-limit'
  | 'unauthorized'
  | 'not-found'
  /** Answers in one JSON object though a stream was asked for. */
  | 'no-stream'
  /** Refuses `stream_options` with 400. */
  | 'no-usage'

export interface MockModelOptions {
  port?: number
  first_token_ms?: number
  tokens_per_second?: number
  tokens?: number
  fault?: MockFault | undefined
  /** How many requests the fault befalls before the server behaves; all when absent. */
  fault_times?: number | undefined
  retry_after_seconds?: number
  /** Path before `/chat/completions`. */
  prefix?: string
  /** Text of the answer instead of numbered words; split into words. */
  answer?: string | undefined
  /** Answers do not end, their words said, until this is taken back. */
  hold?: boolean | undefined
  /** What a whole answer ends with, instead of `stop`. */
  finish_reason?: string | undefined
  /** Each word is the time at which it is sent, `t<ms since the epoch, base 36>`: for measuring how long we hold it. */
  stamped?: boolean
}

/** What the mock was asked, in order. */
export interface MockRequest {
  path: string
  authorization: string | undefined
  body: { model?: string; messages?: { role: string; content: string }[]; [key: string]: unknown }
}

export interface MockModel {
  /** Base URL, to be given as OPENAI_BASE_URL. */
  url: string
  requests: MockRequest[]
  /** Requests whose client went away before the end. */
  readonly aborted: number
  set(options: Partial<MockModelOptions>): void
  close(): Promise<void>
}

const DEFAULTS = { first_token_ms: 200, tokens_per_second: 30, tokens: 100, retry_after_seconds: 1, prefix: '/v1' }

/** An OpenAI-compatible server on loopback that streams words at a given pace, or fails in a given way. */
export async function startMockModel(initial: MockModelOptions = {}): Promise<MockModel> {
  let options = { ...DEFAULTS, ...initial }
  const requests: MockRequest[] = []
  let aborted = 0

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const path = request.url ?? ''
      requests.push({ path, authorization: request.headers.authorization, body })
      if (path === `${options.prefix}/models`)
        return json(response, 200, { object: 'list', data: [{ id: 'mock', object: 'model' }] })
      if (path !== `${options.prefix}/chat/completions`)
        return json(response, 404, { error: { message: `no route ${path}` } })
      response.on('close', () => {
        if (!response.writableFinished) aborted += 1
      })
      return answer(response, body, takeFault(), request.headers.authorization ?? '')
    })
  })
  server.keepAliveTimeout = 60_000

  function takeFault(): MockFault | undefined {
    if (options.fault === undefined || options.fault_times === undefined) return options.fault
    if (options.fault_times <= 0) return undefined
    options.fault_times -= 1
    return options.fault
  }

  function answer(
    response: ServerResponse,
    body: MockRequest['body'],
    fault: MockFault | undefined,
    key: string,
  ): void {
    const refuse = fault && REFUSALS[fault]
    if (fault === 'hang') return
    if (fault === 'rate-limit') response.setHeader('retry-after', String(options.retry_after_seconds))
    if (refuse) return json(response, refuse[0], { error: { message: refuse[1] } })
    if (fault === 'no-usage' && body['stream_options'] !== undefined) {
      return json(response, 400, { error: { message: 'Unrecognized request argument supplied: stream_options' } })
    }
    if (fault === 'rubbish')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Welcome!</body></html>')
    if (fault === 'empty') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).end()
    const words = fault === 'silence' ? [] : wordsOf(options)
    const usage = {
      prompt_tokens: promptTokens(body),
      completion_tokens: words.length,
      total_tokens: promptTokens(body) + words.length,
    }
    const model = body.model ?? 'mock'
    if (fault === 'no-stream' || body['stream'] !== true) {
      const choices = [
        {
          index: 0,
          message: { role: 'assistant', content: words.join('') },
          finish_reason: options.finish_reason ?? 'stop',
        },
      ]
      return json(response, 200, { id: 'mock', object: 'chat.completion', model, choices, usage })
    }
    const asked = body['stream_options'] === undefined ? undefined : usage
    speak(response, words, { model, usage: asked, fault, key })
  }

  function speak(
    response: ServerResponse,
    words: string[],
    { model, usage, fault, key }: { model: string; usage: unknown; fault: MockFault | undefined; key: string },
  ): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    const send = (data: string) => response.write(`data: ${data}\n\n`)
    const chunk = (delta: unknown, finish_reason: string | null, more = {}) =>
      send(
        JSON.stringify({
          id: 'mock',
          object: 'chat.completion.chunk',
          model,
          choices: [{ index: 0, delta, finish_reason }],
          ...more,
        }),
      )
    if (fault === 'endless-reasoning') {
      const thought = { choices: [{ index: 0, delta: { reasoning_content: 'hmm ' }, finish_reason: null }] }
      return flood(response, '', `data: ${JSON.stringify(thought)}\n\n`)
    }
    const gap = 1000 / options.tokens_per_second
    const started = performance.now() + options.first_token_ms
    let spoken = 0
    const finish = (): void => {
      if (response.destroyed) return
      if (options.hold) return void setTimeout(finish, HOLD_MS)
      if (fault === 'only-done') return void send('[DONE]')
      chunk({}, options.finish_reason ?? 'stop')
      if (fault === 'no-done') return
      if (fault === 'late-reset') return void setTimeout(() => response.destroy(), 50)
      if (usage) send(JSON.stringify({ id: 'mock', model, choices: [], usage }))
      send('[DONE]')
      response.end()
    }
    const step = (): void => {
      if (response.destroyed) return
      // By the clock, not by counting timers, so that a busy machine does not make the model slower.
      const due = Math.min(words.length, Math.floor((performance.now() - started) / gap) + 1)
      for (; spoken < due; spoken += 1) {
        if (fault === 'bad-json') send('{"choices": [')
        else if (fault === 'wrong-types') send(WRONG_TYPES[spoken % WRONG_TYPES.length] ?? '')
        else chunk({ content: options.stamped ? `t${Date.now().toString(36)} ` : words[spoken] }, null)
        if (spoken >= words.length / 2 && fault !== undefined && BREAKS.has(fault)) {
          if (fault === 'half-close') response.end()
          // A moment later: what is destroyed at once was perhaps never sent.
          if (fault === 'reset') setTimeout(() => response.destroy(), 50)
          if (fault === 'endless-line') flood(response, 'data: {"choices":[{"delta":{"content":"', 'x'.repeat(65_536))
          if (fault === 'error-event') send(JSON.stringify({ error: { message: `Overloaded. Your key: ${key}` } }))
          return
        }
      }
      if (spoken === words.length) finish()
      else setTimeout(step, Math.max(0, started + spoken * gap - performance.now()))
    }
    setTimeout(step, options.first_token_ms)
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${isAddress(address) ? address.port : 0}`
  return {
    url: origin + options.prefix,
    requests,
    get aborted() {
      return aborted
    },
    set: (changed) => (options = { ...options, ...changed }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const REFUSALS: Partial<Record<MockFault, [number, string]>> = {
  error: [500, 'The mock is down.'],
  'rate-limit': [429, 'Slow down.'],
  unauthorized: [401, 'Incorrect API key provided.'],
  'not-found': [404, 'The model does not exist.'],
}
/** How often an answer that is held looks whether it may end. */
const HOLD_MS = 20
const BREAKS = new Set<MockFault>(['stall', 'half-close', 'reset', 'endless-line', 'error-event'])
const WRONG_TYPES = [
  'null',
  '[]',
  '"text"',
  '{"choices": "many"}',
  '{"choices": [null, 7]}',
  '{"choices": [{"delta": "word", "finish_reason": 3}], "usage": "much", "model": {}}',
  '{"choices": [{"delta": {"content": {"text": "word"}}}], "usage": {"prompt_tokens": "1", "completion_tokens": -1}}',
]

/** Writes the same again and again, some hundred times a second, until the caller leaves. */
function flood(response: ServerResponse, begin: string, piece: string): void {
  response.write(begin)
  const timer = setInterval(() => response.write(piece), 3)
  response.on('close', () => clearInterval(timer))
}

function wordsOf(options: { tokens: number; answer?: string | undefined }): string[] {
  if (options.answer !== undefined) return options.answer.match(/\S+\s*|\s+/g) ?? []
  return Array.from({ length: options.tokens }, (_, index) => `word${index + 1} `)
}

function promptTokens(body: MockRequest['body']): number {
  return Math.ceil((body.messages ?? []).reduce((sum, message) => sum + message.content.length, 0) / 4)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<MockRequest['body']> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : JSON.parse(text)
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

if (import.meta.main) {
  const words = process.argv.slice(2)
  const [port, first_token_ms, tokens_per_second, tokens] = words.filter((word) => !word.startsWith('--')).map(Number)
  const given = Object.entries({ port, first_token_ms, tokens_per_second, tokens }).filter(
    ([, value]) => value !== undefined,
  )
  const mock = await startMockModel({ ...Object.fromEntries(given), stamped: words.includes('--stamped') })
  process.stdout.write(`${mock.url}\n`)
}
