import { byteLength, CAPS } from '../../shared/kernel/caps.ts'
import type { Mutation, MutationResult } from '../protocol/push.ts'
import type { Held } from './hold.ts'
import { unsent, type Pending } from './pending.ts'
import type { RetryState } from './retry.ts'

/** Room for the envelope around the mutations, bytes. */
const ENVELOPE = 512

/**
 * The next push: the oldest undecided mutations, in order, within the caps. Always at least one when any waits that is
 * not held back.
 */
export function nextBatch(outbox: readonly Pending[], state: Pick<RetryState, 'narrow'>, held?: Held): Mutation[] {
  const batch: Mutation[] = []
  let size = ENVELOPE
  for (const item of unsent(outbox)) {
    if (held?.asks.has(item.id) || held?.waits.has(item.id)) continue
    const mutation = wire(item)
    size += byteLength(JSON.stringify(mutation)) + 1
    if (batch.length > 0 && (state.narrow || size > CAPS.push || batch.length >= CAPS.mutations)) break
    batch.push(mutation)
  }
  return batch
}

/** The wire form: nothing of what only this device needs to know. */
function wire({ id, seq, name, version, args, hlc, created_at }: Pending): Mutation {
  return { id, seq, name, version, args, hlc, created_at }
}

/** The outcome that one result of a push reply means; a duplicate may carry the first time's refusal. */
export function outcomeOf(result: MutationResult): NonNullable<Pending['outcome']> {
  if (result.status === 'rejected' || result.error) {
    return { status: 'rejected', error: result.error ?? { code: 'server/bug' } }
  }
  return { status: 'applied' }
}
