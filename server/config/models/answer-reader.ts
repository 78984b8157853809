import { operationalError } from '../../../shared/kernel/errors.ts'
import type { ModelEvent, ModelUsage } from './provider.ts'
import { SseReader } from './sse.ts'

const MOST_WAITING = 1024 * 1024
const MOST_TEXT = 4 * 1024 * 1024

/**
 * Turns the body of a chat completion (streamed chunks, or one JSON object from servers that do not stream) into
 * events and a result. https://platform.openai.com/docs/api-reference/chat-streaming
 */
export class AnswerReader {
  text = ''
  model: string | undefined
  finish_reason: string | undefined
  usage: ModelUsage | undefined
  readonly #onEvent: (event: ModelEvent) => void
  readonly #decoder = new TextDecoder()
  readonly #sse = new SseReader()
  readonly #streamed: boolean
  #json = ''
  #done = false
  /** Chunks that were chat completions. */
  #chunks = 0

  constructor(contentType: string, onEvent: (event: ModelEvent) => void) {
    this.#streamed = !contentType.includes('json')
    this.#onEvent = onEvent
  }

  /** Takes what one read brought and hands on its text as one event. Throws `model/bad-answer`. */
  read(bytes: Uint8Array): void {
    const chunk = this.#decoder.decode(bytes, { stream: true })
    if (this.#streamed) return this.#take(this.#sse.read(chunk))
    this.#json += chunk
    if (this.#json.length > MOST_TEXT) throw badAnswer('too long')
  }

  /** The answer has said that it is over. */
  get complete(): boolean {
    return this.#done || this.finish_reason !== undefined
  }

  /** The body has ended. Throws `model/interrupted` when the answer had not, `model/bad-answer` when there is none. */
  end(): void {
    if (this.#streamed) this.#take(this.#sse.end())
    else this.#take([this.#json])
    if (this.#chunks === 0) throw badAnswer('not a chat completion')
    if (!this.complete) throw operationalError('model/interrupted')
    if (this.text === '') throw badAnswer(`no text (${shortText(this.finish_reason) ?? 'no reason'})`)
  }

  #take(events: readonly string[]): void {
    if (this.#sse.waiting > MOST_WAITING) throw badAnswer('an event without an end')
    let delta = ''
    for (const data of events) {
      if (data === '[DONE]') this.#done = true
      else if (data !== '') delta += this.#chunk(parse(data))
    }
    if (delta === '') return
    this.text += delta
    if (this.text.length > MOST_TEXT) throw badAnswer('too long')
    this.#onEvent({ type: 'text', text: delta })
  }

  /** Notes what a chunk says and returns its text. */
  #chunk(chunk: unknown): string {
    const error = field(chunk, 'error')
    if (error) throw operationalError('model/interrupted', { detail: shortText(field(error, 'message')) })
    const model = field(chunk, 'model')
    if (typeof model === 'string' && model !== '') this.model = model
    this.#count(field(chunk, 'usage'))
    const choices = field(chunk, 'choices')
    // Some servers send events of their own in between.
    if (!Array.isArray(choices)) return ''
    this.#chunks += 1
    const choice: unknown = choices[0]
    const reason = field(choice, 'finish_reason')
    if (typeof reason === 'string') this.finish_reason = reason
    const content = field(field(choice, this.#streamed ? 'delta' : 'message'), 'content')
    return typeof content === 'string' ? content : ''
  }

  #count(usage: unknown): void {
    const prompt = field(usage, 'prompt_tokens')
    const completion = field(usage, 'completion_tokens')
    // A count that cannot be one is none: it would not fit the column, and be the end of the whole run.
    if (!isCount(prompt) || !isCount(completion)) return
    this.usage = { prompt, completion }
    this.#onEvent({ type: 'usage', usage: this.usage })
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000_000_000
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw badAnswer('no JSON')
  }
}

/** A property of parsed JSON, or undefined. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

/** At most 200 characters of what a provider says, for `params.detail`. */
export function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined
}

export function badAnswer(detail: string) {
  return operationalError('model/bad-answer', { detail })
}
