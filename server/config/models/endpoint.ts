import { AnswerReader } from './answer-reader.ts'
import { exchange, openAgent, type Exchange, type Patience } from './http-exchange.ts'
import type { ModelEvent } from './provider.ts'
import { Refused } from './refusal.ts'

const MOST_BODY = 1024 * 1024

export interface EndpointOptions {
  /** As the person wrote it: with or without a slash at the end, with or without `/v1`. */
  base_url: string
  api_key: string | undefined
  patience: Patience
}

/** The HTTP side of a provider: where it is, how to authenticate, and which of two spellings of its address works. */
export class Endpoint {
  readonly #agent
  readonly #patience: Patience
  readonly #headers: Record<string, string>
  readonly #candidates: readonly string[]
  #works: string | undefined

  constructor(options: EndpointOptions) {
    this.#patience = options.patience
    this.#agent = openAgent(options.patience)
    this.#candidates = candidateBases(options.base_url)
    this.#headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
    if (options.api_key) this.#headers['authorization'] = `Bearer ${options.api_key}`
  }

  /** Posts `body` and reads the answer to its end. Throws Refused for a status other than 200. */
  post(path: string, body: string, signal: AbortSignal, onEvent: (event: ModelEvent) => void): Promise<AnswerReader> {
    return this.#locate(path, async (url) => {
      let answer: AnswerReader | undefined
      await this.#read({ url, method: 'POST', headers: this.#headers, body }, signal, (contentType) => {
        answer = new AnswerReader(contentType, onEvent)
        return answer
      })
      if (!answer) throw new Refused(0, '', undefined)
      return answer
    })
  }

  /** The body of a GET as text. */
  get(path: string, signal: AbortSignal): Promise<string> {
    return this.#locate(path, async (url) => {
      const body = new TextBody()
      await this.#read({ url, method: 'GET', headers: this.#headers }, signal, () => body)
      return body.text
    })
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  async #read(request: Exchange, signal: AbortSignal, open: (contentType: string) => Body): Promise<void> {
    let status = 0
    let retryAfter: string | undefined
    let body: Body | undefined
    const refusal = new TextBody()
    await exchange(this.#agent, request, this.#patience, signal, {
      head(code, headers) {
        status = code
        retryAfter = single(headers['retry-after'])
        if (code === 200) body = open(single(headers['content-type']) ?? '')
      },
      read: (bytes) => {
        if (refusal.isFull) throw new Refused(status, refusal.text, retryAfter)
        ;(body ?? refusal).read(bytes)
      },
      end: () => body?.end(),
      get complete() {
        return body?.complete ?? false
      },
    })
    if (!body) throw new Refused(status, refusal.text, retryAfter)
  }

  /** An address without a path is tried with `/v1` and, when that is not there, as it stands. */
  async #locate<T>(path: string, work: (url: URL) => Promise<T>): Promise<T> {
    const candidates = this.#works === undefined ? this.#candidates : [this.#works]
    let missing: unknown
    for (const base of candidates) {
      try {
        const result = await work(new URL(base + path))
        this.#works = base
        return result
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 404) throw error
        missing ??= error
      }
    }
    throw missing
  }
}

interface Body {
  read(bytes: Uint8Array): void
  end(): void
  readonly complete: boolean
}

class TextBody implements Body {
  text = ''
  /** Text says nothing about its end. */
  readonly complete = false
  readonly #decoder = new TextDecoder()

  get isFull(): boolean {
    return this.text.length >= MOST_BODY
  }

  read(bytes: Uint8Array): void {
    if (!this.isFull) this.text += this.#decoder.decode(bytes, { stream: true })
  }

  end(): void {
    this.text += this.#decoder.decode()
  }
}

function candidateBases(address: string): string[] {
  const base = address.trim().replace(/\/+$/, '')
  return new URL(base).pathname === '/' ? [`${base}/v1`, base] : [base]
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
