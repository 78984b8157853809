import type { RunSnapshotFrame } from '../../../sync/protocol/socket.ts'
import type { RelayedFrame } from './relayed-frame.ts'

interface MirroredRun {
  /** Which process has the run. */
  source: string
  user_id: string
  hidden: boolean
  snapshot: RunSnapshotFrame
}

/** The runs that other processes perform, as far as they have told: what a device that connects in the middle is sent. */
export class RunMirror {
  readonly #runs = new Map<string, MirroredRun>()

  /**
   * Takes note of a frame. False when it must not be passed on: it belongs to a run whose beginning nobody has seen, or
   * that another process has by now.
   */
  take(source: string, { user_id, frame, hidden }: RelayedFrame): boolean {
    if (frame.t === 'run.snapshot') {
      const known = this.#runs.get(frame.run)
      if (known && known.snapshot.attempt > frame.attempt) return false
      this.#runs.set(frame.run, { source, user_id, hidden, snapshot: { ...frame } })
      return true
    }
    const run = this.#runs.get(frame.run)
    if (run?.source !== source) return false
    if (frame.t === 'run.end') this.#runs.delete(frame.run)
    else if (frame.t === 'run.node') run.snapshot.node = frame.node
    else {
      run.snapshot.text += frame.text
      run.snapshot.seq = frame.seq
    }
    return true
  }

  /** All text so far of a person's runs elsewhere. */
  snapshots(user_id: string): RunSnapshotFrame[] {
    return [...this.#runs.values()]
      .filter((run) => run.user_id === user_id && !run.hidden)
      .map((run) => ({ ...run.snapshot }))
  }

  /** A process is no longer heard: what it had goes on elsewhere, or is told anew. */
  forget(source: string): void {
    for (const [id, run] of this.#runs) if (run.source === source) this.#runs.delete(id)
  }
}
