import type { ModelMessage, ModelUsage } from './provider.ts'

/** About three bytes of UTF-8 a token, in Chinese as in English: close enough for a daily cap. */
const BYTES_PER_TOKEN = 3

/** What a call has used when the provider did not say: because it never does, or because the call was cut short. */
export function estimateUsage(messages: readonly ModelMessage[], answer: string): ModelUsage {
  const tokens = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
  return { prompt: messages.reduce((sum, message) => sum + tokens(message.content), 0), completion: tokens(answer) }
}
