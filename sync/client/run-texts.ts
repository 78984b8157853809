import { reduceRun, type RunFrame, type RunText } from '../core/run-overlay.ts'

/** How long an ended run stays in memory, ms: its row is on the way. */
const KEEP_ENDED_MS = 60_000

/** Texts of the person's running answers, as the socket tells them. */
export class RunTexts {
  readonly #runs = new Map<string, RunText>()

  /** False when a frame is missing and the socket must start over. */
  take(frame: RunFrame): boolean {
    const run = reduceRun(this.#runs.get(frame.run), frame, Date.now())
    if (run === 'gap') return false
    if (!run) return true
    this.#runs.set(frame.run, run)
    if (frame.t === 'run.end') setTimeout(() => this.#runs.delete(frame.run), KEEP_ENDED_MS)
    return true
  }

  list(): RunText[] {
    return [...this.#runs.values()]
  }
}
