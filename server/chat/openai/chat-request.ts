import { Type, type Static } from 'typebox'
import { userError } from '../../../shared/kernel/errors.ts'
import { requireValid } from '../../kernel/validate.ts'

/** OpenAI's chat completion request, as far as we use it; unknown fields are ignored, as there. */
export const chatRequest = Type.Object({
  model: Type.String({ minLength: 1, maxLength: 300 }),
  messages: Type.Array(
    Type.Object({
      role: Type.String({ maxLength: 20 }),
      content: Type.Union([
        Type.String(),
        Type.Null(),
        Type.Array(Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) })),
      ]),
    }),
    { minItems: 1, maxItems: 1000 },
  ),
  stream: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  stream_options: Type.Optional(
    Type.Union([Type.Object({ include_usage: Type.Optional(Type.Boolean()) }), Type.Null()]),
  ),
  temperature: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: 2 }), Type.Null()])),
  top_p: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()])),
  max_tokens: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Null()])),
  max_completion_tokens: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Null()])),
})

export interface ChatCompletionRequest {
  model: string
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[]
  stream: boolean
  include_usage: boolean
  temperature?: number | undefined
  top_p?: number | undefined
  max_tokens?: number | undefined
}

const ROLES: Readonly<Record<string, 'system' | 'user' | 'assistant'>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
}

/** Reads and checks a request body; text parts of messages are joined, other parts refused. */
export function readChatRequest(body: unknown): ChatCompletionRequest {
  requireValid(chatRequest, body, 'body')
  // Checked against the schema the type comes from.
  const request = body as Static<typeof chatRequest>
  return {
    model: request.model,
    messages: request.messages.map(({ role, content }, index) => {
      const known = ROLES[role]
      if (!known)
        throw userError('request/invalid', { path: `/messages/${index}/role` }, `role ${role} is not supported`)
      return { role: known, content: textOf(content, index) }
    }),
    stream: request.stream === true,
    include_usage: request.stream_options?.include_usage === true,
    temperature: request.temperature ?? undefined,
    top_p: request.top_p ?? undefined,
    max_tokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
  }
}

function textOf(content: string | null | { type: string; text?: string | undefined }[], index: number): string {
  if (typeof content === 'string') return content
  if (content === null) return ''
  return content
    .map((part) => {
      if (part.type === 'text' && part.text !== undefined) return part.text
      throw userError(
        'request/invalid',
        { path: `/messages/${index}/content` },
        `content of type ${part.type} is not supported`,
      )
    })
    .join('')
}
