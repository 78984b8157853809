/** States of synchronisation as the interface knows them (`sync/client/local-store.ts`). */
export type State = 'starting' | 'syncing' | 'synced' | 'offline' | 'signed-out' | 'attention'

/** What happens to the engine. */
export type Event =
  /** Something waits to be sent or fetched. */
  | 'behind'
  /** Nothing waits: the outbox is settled and every shape is up to date. */
  | 'caught-up'
  /** The server cannot be reached, or can be again. */
  | 'lost'
  | 'found'
  | 'unauthorized'
  | 'authorized'
  /** Something needs the person, or no longer does. */
  | 'problem'
  | 'solved'

/** Every transition. `sync/SPEC.md` §1 holds the same table for people; a test compares the two. */
export const TRANSITIONS: Record<State, Record<Event, State>> = {
  starting: {
    behind: 'starting',
    'caught-up': 'synced',
    lost: 'offline',
    found: 'starting',
    unauthorized: 'signed-out',
    authorized: 'starting',
    problem: 'attention',
    solved: 'starting',
  },
  syncing: {
    behind: 'syncing',
    'caught-up': 'synced',
    lost: 'offline',
    found: 'syncing',
    unauthorized: 'signed-out',
    authorized: 'syncing',
    problem: 'attention',
    solved: 'syncing',
  },
  synced: {
    behind: 'syncing',
    'caught-up': 'synced',
    lost: 'offline',
    found: 'synced',
    unauthorized: 'signed-out',
    authorized: 'synced',
    problem: 'attention',
    solved: 'synced',
  },
  offline: {
    behind: 'offline',
    'caught-up': 'offline',
    lost: 'offline',
    found: 'syncing',
    unauthorized: 'signed-out',
    authorized: 'syncing',
    problem: 'attention',
    solved: 'offline',
  },
  'signed-out': {
    behind: 'signed-out',
    'caught-up': 'signed-out',
    lost: 'signed-out',
    found: 'signed-out',
    unauthorized: 'signed-out',
    authorized: 'syncing',
    problem: 'signed-out',
    solved: 'signed-out',
  },
  attention: {
    behind: 'attention',
    'caught-up': 'attention',
    lost: 'attention',
    found: 'attention',
    unauthorized: 'signed-out',
    authorized: 'attention',
    problem: 'attention',
    solved: 'syncing',
  },
}

export function next(state: State, event: Event): State {
  return TRANSITIONS[state][event]
}
