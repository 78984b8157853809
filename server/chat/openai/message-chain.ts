import { byteLength, CAPS } from '../../../shared/kernel/caps.ts'
import { userError } from '../../../shared/kernel/errors.ts'
import { newId } from '../../../shared/kernel/id.ts'
import type { ChatCompletionRequest } from './chat-request.ts'

/** A message of the chain that a caller's messages become: each the child of the one before. */
export interface ChainMessage {
  id: string
  parent_message_id: string | null
  role: 'user' | 'assistant'
  content: string
}

/**
 * Messages as a chain of the tree; a caller's system messages go in front of the next user message. Throws
 * `row/too-large` for what is no message of a chat.
 */
export function chainOf(messages: ChatCompletionRequest['messages']): ChainMessage[] {
  const chain: ChainMessage[] = []
  let instructions = ''
  for (const message of messages) {
    if (message.role === 'system') {
      instructions += `${message.content}\n\n`
      continue
    }
    const content = message.role === 'user' ? instructions + message.content : message.content
    if (message.role === 'user') instructions = ''
    if (byteLength(content) > CAPS.message)
      throw userError('row/too-large', { limit: CAPS.message }, `a message holds at most ${CAPS.message} bytes`)
    chain.push({ id: newId(), parent_message_id: chain.at(-1)?.id ?? null, role: message.role, content })
  }
  return chain
}

/** The message to answer: the last one, which must be from the user. */
export function questionOf(chain: readonly ChainMessage[]): ChainMessage {
  const question = chain.at(-1)
  if (question?.role === 'user') return question
  throw userError('request/invalid', { path: '/messages' }, 'the last message must be from the user')
}
