import type { RunFrame } from '../../chat/index.ts'

/** Something that happened in a person's run. */
export interface RelayedFrame {
  user_id: string
  frame: RunFrame
  /** For those who wait for this very run only, not for the person's devices. */
  hidden: boolean
}

/** One line of the relay's stream. */
export function encodeFrame({ user_id, frame, hidden }: RelayedFrame): string {
  return `${JSON.stringify([user_id, hidden, frame])}\n`
}

/** The other end is this same program, which the secret proves, so the shape of a line is taken as it is. */
export function decodeFrame(line: string): RelayedFrame | undefined {
  const parsed: unknown = JSON.parse(line)
  if (!Array.isArray(parsed)) return undefined
  const [user_id, hidden, frame] = parsed as [string, boolean, RunFrame]
  return { user_id, hidden, frame }
}
