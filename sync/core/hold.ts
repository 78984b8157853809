import { RUN_STARTERS } from '../../shared/chat/run-starters.ts'
import { madeIds, mentionedIds } from './effect.ts'
import { unsent, type Pending } from './pending.ts'

/** What starts a run asks its person first once it has waited this long, ms: the question may be stale by then. */
export const ASK_AFTER_MS = 24 * 3_600_000

/** Queued mutations that are not to be sent now, by id. */
export interface Held {
  /** Their person is asked first. */
  asks: ReadonlySet<string>
  /** They rest on one that asks, or follow it in its chat. */
  waits: ReadonlySet<string>
}

/**
 * What stays in the outbox for now, at `now` (ms by the server's clock). Everything else goes on: the server takes
 * gaps. A message that was taken back before it was sent has nothing left to ask.
 */
export function heldBack(outbox: readonly Pending[], now: number): Held {
  const queue = unsent(outbox)
  const asks = new Set<string>()
  const waits = new Set<string>()
  const withdrawn = new Set(queue.filter(({ name }) => name === 'message.withdraw').flatMap(mentionedIds))
  /** Ids that the server will not know before what is held has been sent. */
  const unmade = new Set<string>()
  const chats = new Set<string>()
  for (const item of queue) {
    const chat = startsRun(item) ? String(item.args['chat_id']) : undefined
    const old = chat !== undefined && now - waitsSince(item) > ASK_AFTER_MS
    if (old && !madeIds(item).some((id) => withdrawn.has(id))) asks.add(item.id)
    else if ((chat !== undefined && chats.has(chat)) || mentionedIds(item).some((id) => unmade.has(id)))
      waits.add(item.id)
    else continue
    for (const id of madeIds(item)) unmade.add(id)
    if (chat !== undefined) chats.add(chat)
  }
  return { asks, waits }
}

/** Whether nothing is under way: what is left is held, or decided and shows behind something held until that goes. */
export function restsOnHeld(outbox: readonly Pending[], { asks, waits }: Held): boolean {
  const isHeld = ({ id }: Pending) => asks.has(id) || waits.has(id)
  const touched = new Set(outbox.filter(isHeld).flatMap(mentionedIds))
  return outbox.every((item) => isHeld(item) || (item.outcome && mentionedIds(item).some((id) => touched.has(id))))
}

/** Those of `outbox` that would be held if `first` were: what must follow it when it moves. In order, with itself. */
export function withFollowers(first: Pending, outbox: readonly Pending[]): Pending[] {
  const unmade = new Set(madeIds(first))
  const chats = new Set(startsRun(first) ? [first.args['chat_id']] : [])
  const group = [first]
  for (const item of unsent(outbox)) {
    if (item.seq <= first.seq) continue
    const inChat = startsRun(item) && chats.has(item.args['chat_id'])
    if (!inChat && !mentionedIds(item).some((id) => unmade.has(id))) continue
    group.push(item)
    for (const id of madeIds(item)) unmade.add(id)
  }
  return group
}

function startsRun({ name }: Pending): boolean {
  return RUN_STARTERS.includes(name)
}

/** When its person last wanted it to be sent, ms. */
function waitsSince({ created_at, agreed_at }: Pending): number {
  return Math.max(Date.parse(created_at), agreed_at ?? 0)
}
