import { newId } from '../../../shared/kernel/id.ts'
import type { Response } from '../../kernel/http.ts'

export interface CompletionUsage {
  prompt: number
  completion: number
}

/** Writes one answer in OpenAI's format, streamed or whole. */
export interface CompletionWriter {
  text(delta: string): void
  end(finish_reason: 'stop' | 'length', usage: CompletionUsage | undefined): void
  /** After the first byte an error can only be an event; before it, the caller answers with a status. */
  readonly started: boolean
  fail(error: { message: string; code: string; type: string }): void
}

export function createCompletionWriter(
  response: Response,
  options: { model: string; stream: boolean; include_usage: boolean },
): CompletionWriter {
  const base = { id: `chatcmpl-${newId()}`, created: Math.floor(Date.now() / 1000), model: options.model }
  return options.stream ? streamed(response, base, options.include_usage) : whole(response, base)
}

interface Base {
  id: string
  created: number
  model: string
}

const usageOf = (usage: CompletionUsage | undefined) => ({
  prompt_tokens: usage?.prompt ?? 0,
  completion_tokens: usage?.completion ?? 0,
  total_tokens: (usage?.prompt ?? 0) + (usage?.completion ?? 0),
})

function whole(response: Response, base: Base): CompletionWriter {
  let content = ''
  return {
    started: false,
    text(delta) {
      content += delta
    },
    end(finish_reason, usage) {
      response.json({
        ...base,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason }],
        usage: usageOf(usage),
      })
    },
    fail() {
      // Nothing has been written: the error handler answers.
    },
  }
}

function streamed(response: Response, base: Base, include_usage: boolean): CompletionWriter {
  let started = false
  const chunk = { ...base, object: 'chat.completion.chunk' }

  function event(data: unknown): void {
    if (!started) {
      started = true
      response.status(200).set({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies would hold tokens back.
        'x-accel-buffering': 'no',
      })
      response.write(`data: ${JSON.stringify({ ...chunk, choices: [choice({ role: 'assistant', content: '' })] })}\n\n`)
    }
    response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  }

  return {
    get started() {
      return started
    },
    text(delta) {
      event({ ...chunk, choices: [choice({ content: delta })] })
    },
    end(finish_reason, usage) {
      event({ ...chunk, choices: [{ ...choice({}), finish_reason }] })
      if (include_usage) event({ ...chunk, choices: [], usage: usageOf(usage) })
      event('[DONE]')
      response.end()
    },
    fail(error) {
      event({ error: { ...error, param: null } })
      response.end()
    },
  }
}

const choice = (delta: Record<string, unknown>) => ({ index: 0, delta, logprobs: null, finish_reason: null })
