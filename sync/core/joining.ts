import { DRAFT_SAVE, joinSaves } from '../../shared/agent/join-saves.ts'
import { mentionedIds } from './effect.ts'
import type { Pending } from './pending.ts'

type Queueable = Pick<Pending, 'id' | 'name' | 'version' | 'args'>

/** A mutation as it is to be queued. */
export interface Joined<M> {
  mutation: M & { absorbs?: readonly string[] | undefined }
  /** The one that it takes the place of. */
  replaces: Pending | undefined
}

/**
 * A new mutation with the one in the outbox that it goes on from: somebody who types for an hour without a network
 * leaves one save, not hundreds. Only what has never been sent is taken up, for what the server may know must stay as
 * it is; and only the last that speaks of its row, so that nothing is overtaken.
 */
export function joined<M extends Queueable>(mutation: M, outbox: readonly Pending[]): Joined<M> {
  const alone = { mutation, replaces: undefined }
  if (!isJoinable(mutation)) return alone
  const id = String(mutation.args['id'])
  const last = outbox.findLast((item) => mentionedIds(item).includes(id))
  if (!last || !isJoinable(last) || last.tried || last.outcome) return alone
  const args = joinSaves(last.args, mutation.args)
  if (!args) return alone
  return { mutation: { ...mutation, args, absorbs: [...(last.absorbs ?? []), last.id] }, replaces: last }
}

/** Whether later mutations may take this one up, so that it must be known whether it was sent. */
export function isJoinable({ name, version }: Pick<Pending, 'name' | 'version'>): boolean {
  return name === DRAFT_SAVE.name && version === DRAFT_SAVE.version
}
