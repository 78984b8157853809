import { setTimeout as pause } from 'node:timers/promises'
import { badAnswer, field, shortText, type AnswerReader } from './answer-reader.ts'
import { Endpoint } from './endpoint.ts'
import { PATIENCE, type Patience } from './http-exchange.ts'
import type { ModelEvent, ModelProvider, ModelRequest, ModelResult } from './provider.ts'
import { judge, Refused } from './refusal.ts'

export interface OpenAiOptions {
  kind: 'openai' | 'ollama'
  /** As the person wrote it: with or without a slash at the end, with or without `/v1`. */
  base_url: string
  api_key?: string | undefined
  default_model: string
  patience?: Partial<Patience> | undefined
  /** First pause before a retry, ms; doubles, with jitter. */
  retry_ms?: number | undefined
}

const MOST_RETRIES = 2
/** A provider that asks for more patience than this is answered with an error instead. */
const LONGEST_RETRY_AFTER_MS = 15_000

/** A provider that speaks OpenAI's chat completions: OpenAI, vLLM, DeepSeek, Qwen, LM Studio, Ollama … */
export class OpenAiCompatible implements ModelProvider {
  readonly kind
  readonly default_model: string
  readonly #options: OpenAiOptions
  readonly #endpoint: Endpoint
  /** Some servers refuse `stream_options`; they are asked without from then on. */
  #countUsage = true

  constructor(options: OpenAiOptions) {
    this.kind = options.kind
    this.default_model = options.default_model
    this.#options = options
    this.#endpoint = new Endpoint({
      base_url: options.base_url,
      api_key: options.api_key,
      patience: { ...PATIENCE, ...options.patience },
    })
  }

  async list(): Promise<string[]> {
    try {
      const data = field(JSON.parse(await this.#endpoint.get('/models', AbortSignal.timeout(5_000))), 'data')
      if (!Array.isArray(data)) throw badAnswer('no list of models')
      return data.flatMap((each: unknown) => shortText(field(each, 'id')) ?? [])
    } catch (error) {
      throw judge(error, this.default_model, this.#options.api_key).error
    }
  }

  async stream(request: ModelRequest, signal: AbortSignal, onEvent: (event: ModelEvent) => void): Promise<ModelResult> {
    const started = performance.now()
    const model = request.model ?? this.default_model
    let first_text_ms: number | undefined
    const watch = (event: ModelEvent): void => {
      if (event.type === 'text') first_text_ms ??= performance.now() - started
      onEvent(event)
    }
    for (let retries = 0; ; retries += 1) {
      try {
        const { text, usage, finish_reason, model: answered } = await this.#ask(request, model, signal, watch)
        const first = Math.round(first_text_ms ?? performance.now() - started)
        return { text, model: answered ?? model, demo: false, finish_reason, usage, first_text_ms: first, retries }
      } catch (error) {
        if (signal.aborted) throw error
        const { error: judged, retriable, after_ms } = judge(error, model, this.#options.api_key)
        const hopeful = retriable && first_text_ms === undefined && retries < MOST_RETRIES
        if (!hopeful || (after_ms ?? 0) > LONGEST_RETRY_AFTER_MS) throw judged
        // Jitter, so that turns that failed together do not come back together.
        await pause(after_ms ?? (this.#options.retry_ms ?? 400) * 2 ** retries * (0.5 + Math.random()), undefined, {
          signal,
        })
      }
    }
  }

  close(): Promise<void> {
    return this.#endpoint.close()
  }

  async #ask(
    request: ModelRequest,
    model: string,
    signal: AbortSignal,
    onEvent: (event: ModelEvent) => void,
  ): Promise<AnswerReader> {
    try {
      return await this.#endpoint.post(
        '/chat/completions',
        requestBody(request, model, this.#countUsage),
        signal,
        onEvent,
      )
    } catch (error) {
      if (
        !this.#countUsage ||
        !(error instanceof Refused) ||
        error.status !== 400 ||
        !error.body.includes('stream_options')
      )
        throw error
      this.#countUsage = false
      return this.#ask(request, model, signal, onEvent)
    }
  }
}

function requestBody(request: ModelRequest, model: string, countUsage: boolean): string {
  const { messages, temperature, top_p, max_tokens } = request
  const stream_options = countUsage ? { include_usage: true } : undefined
  return JSON.stringify({ model, messages, temperature, top_p, max_tokens, stream: true, stream_options })
}
