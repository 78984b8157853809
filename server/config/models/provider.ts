/** What a conversation with a model is made of. */
export interface ModelMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export interface ModelRequest {
  messages: readonly ModelMessage[]
  /** Absent: the provider's default. */
  model?: string | undefined
  temperature?: number | undefined
  top_p?: number | undefined
  max_tokens?: number | undefined
}

export interface ModelUsage {
  prompt: number
  completion: number
}

/** What arrives while a model speaks. One `text` event per read of the socket, however many tokens it held. */
export type ModelEvent = { type: 'text'; text: string } | { type: 'usage'; usage: ModelUsage }

export interface ModelResult {
  text: string
  /** The model that answered, as the provider names it. */
  model: string
  /** True for the demonstration model only: such an answer must be shown as what it is. */
  demo: boolean
  finish_reason: string | undefined
  /** Undefined when the provider does not count. */
  usage: ModelUsage | undefined
  /** Milliseconds from request to first text. */
  first_text_ms: number
  /** Attempts beyond the first. */
  retries: number
}

export type ProviderKind = 'openai' | 'ollama' | 'demo'

/**
 * A source of language models. `stream` throws AppErrors with `model/…` codes; text that has been handed to `onEvent`
 * stays with the caller. An aborted signal ends it with the signal's reason.
 */
export interface ModelProvider {
  readonly kind: ProviderKind
  readonly default_model: string
  list(): Promise<string[]>
  stream(request: ModelRequest, signal: AbortSignal, onEvent: (event: ModelEvent) => void): Promise<ModelResult>
}

/** The provider that serves runs now; which one may change while the server runs. */
export interface ModelProviders {
  current(): ModelProvider
  /** Looks for a provider, and keeps looking while only the demonstration model is there. */
  start(): Promise<void>
  stop(): Promise<void>
}
