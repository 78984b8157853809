import { chatById } from '../../shared/chat/queries.ts'
import type { LocalStore } from '../../sync/client/local-store.ts'
import type { RouteLocationRaw } from 'vue-router'

/** Where the text of an unsent message can be written again. */
interface Place {
  /** Whose composer: a chat's id, or `new`. */
  composer: string
  route: RouteLocationRaw
}

/** A message as the outbox keeps it, when `args` are those of one. */
export function textOf({ name, args }: { name: string; args: Record<string, unknown> }): string | undefined {
  return name === 'message.send' && typeof args['content'] === 'string' ? args['content'] : undefined
}

/**
 * Takes an unsent message's text to where it was written, for its person to go on; `drop` takes the message away and
 * puts the text there in one step, so that at no moment it is nowhere. Answers with the way there.
 */
export async function editUnsent(
  local: LocalStore,
  item: { name: string; args: Record<string, unknown> },
  drop: (back: { chat_id: string; text: string }) => Promise<void>,
): Promise<RouteLocationRaw | undefined> {
  const text = textOf(item)
  if (text === undefined) return undefined
  const { composer, route } = await placeOf(local, item.args)
  await drop({ chat_id: composer, text })
  return route
}

/** A first message takes its chat with it; the next one makes another. */
async function placeOf(local: LocalStore, { chat_id, chat }: Record<string, unknown>): Promise<Place> {
  if (typeof chat === 'object' && chat !== null) {
    const agent = 'agent_id' in chat ? { agent: String(chat.agent_id) } : {}
    const draft = 'source' in chat && chat.source === 'draft' ? { source: 'draft' } : {}
    return { composer: 'new', route: { path: '/chat/new', query: { ...agent, ...draft } } }
  }
  const id = String(chat_id)
  const known = await local.read(chatById, { id }).catch(() => [])
  return known.length > 0
    ? { composer: id, route: { path: `/chat/${id}` } }
    : { composer: 'new', route: { path: '/chat/new' } }
}
