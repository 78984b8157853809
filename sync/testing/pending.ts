import type { Row } from '../../shared/kernel/mutator.ts'
import type { Effect, Pending } from '../core/pending.ts'

/** A uuid-shaped id that is easy to read in a failure. */
export function idOf(number: number): string {
  return `01900000-0000-7000-8000-${String(number).padStart(12, '0')}`
}

/** A waiting mutation for tests. */
export function pendingOf(seq: number, more: Partial<Pending> = {}): Pending {
  return {
    id: idOf(seq),
    seq,
    name: 'test.nothing',
    version: 1,
    args: {},
    hlc: `${String(seq).padStart(13, '0')}-0000-test`,
    created_at: '2026-11-22T00:00:00.000Z',
    ...more,
  }
}

export function effectOn(tables: string[], touches: string[] = [], creates: string[] = []): Effect {
  return { writes: [], tables, touches, creates }
}

/** A chat as the server keeps it. */
export function chatRowOf({ id, user_id, title, at }: { id: string; user_id: string; title: string; at: string }): Row {
  return {
    id,
    user_id,
    agent_id: idOf(900),
    agent_version_id: idOf(901),
    title,
    context: {},
    status: 'active',
    expires_at: null,
    source: 'app',
    pinned: false,
    field_clock: {},
    deleted_at: null,
    created_at: at,
    updated_at: at,
  }
}
