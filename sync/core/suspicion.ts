/** How often a tab looks whether the engine is alive, ms. */
export const LOOK_MS = 400
/** The engine shows life this often, ms. */
export const BEAT_MS = 2000
/** Silence after which a tab asks the leader's tab, ms: a beat that did not come. */
const SILENT_MS = BEAT_MS + 300
/** Questions without an answer after which the leader's tab is taken to be frozen. */
const QUESTIONS = 3
/** How long an engine may say nothing while its tab answers, ms: it is at work, or it hangs. */
const BUSY_MS = 12_000
/** A database that is being made can hold its worker's thread this long, ms. */
const OPENING_MS = 60_000

/** What a tab thinks of a silent engine. */
export interface Suspicion {
  /** Looks in a row at which the engine was silent. Counted, not timed: a tab that slept itself must not judge. */
  quiet: number
  /** Looks in a row at which the leader's tab had not answered the look before. */
  unanswered: number
}

export const CALM: Suspicion = { quiet: 0, unanswered: 0 }

export interface Seen {
  /** Only a visible tab judges: a hidden one may be the frozen party itself. */
  visible: boolean
  /** Ms since the engine was last heard. */
  silence: number
  /** The leader's tab has answered since the last look. */
  answered: boolean
  /** The engine was opening its replica when last heard. */
  opening: boolean
}

/** `frozen`: nobody answers for the engine; `hung`: its tab lives, but the engine has said nothing for too long. */
export type Verdict = 'fine' | 'ask' | 'frozen' | 'hung'

/** One look at the engine. */
export function suspect(before: Suspicion, seen: Seen): { suspicion: Suspicion; verdict: Verdict } {
  if (!seen.visible || seen.silence <= SILENT_MS) return { suspicion: CALM, verdict: 'fine' }
  const asked = before.quiet > 0
  const suspicion = {
    quiet: before.quiet + 1,
    unanswered: asked && !seen.answered ? before.unanswered + 1 : 0,
  }
  if (suspicion.unanswered >= QUESTIONS) return { suspicion, verdict: 'frozen' }
  const patience = seen.opening ? OPENING_MS : BUSY_MS
  return { suspicion, verdict: suspicion.quiet * LOOK_MS >= patience ? 'hung' : 'ask' }
}
