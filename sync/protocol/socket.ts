/**
 * Frames of `WS /api/socket`: JSON text, one object each, told apart by `t`. One socket carries all live shapes of a
 * replica and everything that happens in the person's runs.
 */

/** Asks for one live poll of a shape: the query parameters of `GET /api/sync/shapes/:name`. Answered by `id`. */
export interface PollFrame {
  t: 'poll'
  id: number
  shape: string
  query: Record<string, string>
  /** Go on by yourself: whoever follows a shape would ask again at once, from where the answer ended. */
  follow?: true | undefined
}

/** Gives up a poll that has not been answered, or is followed. */
export interface CancelPollFrame {
  t: 'poll.cancel'
  id: number
}

export interface PingFrame {
  t: 'ping'
}

export type ClientFrame = PollFrame | CancelPollFrame | PingFrame

/** The answer to a poll: status, headers (lower case) and body exactly as the HTTP gateway would give them. */
export interface PollReplyFrame {
  t: 'poll.reply'
  id: number
  status: number
  headers: Record<string, string>
  body: string
  /** The next answer comes unasked, from where this one ends. */
  more?: true | undefined
}

/**
 * Where a reader goes on who has had this answer; undefined when that is for the reader to say: after a refusal, and
 * within a long log, of which it takes one page after the other.
 */
export function placeBehind(
  query: PollFrame['query'],
  { status, headers }: Pick<PollReplyFrame, 'status' | 'headers'>,
): PollFrame['query'] | undefined {
  const { 'electric-handle': handle, 'electric-offset': offset, 'electric-cursor': cursor } = headers
  if (status !== 200 || query['live'] !== 'true' || !handle || !offset || !cursor) return undefined
  return 'electric-up-to-date' in headers ? { ...query, handle, offset, cursor } : undefined
}

/** First frame after connecting, and again after every change of role. */
export interface HelloFrame {
  t: 'hello'
  user_id: string
  protocol: number
  /** The oldest protocol that the server speaks; absent: this one only. */
  oldest?: number | undefined
  /** Server's wall time, ms since the epoch. */
  now: number
}

/** All text of a running answer so far; replaces what the client has of this run. Sent on connect and on a new attempt. */
export interface RunSnapshotFrame {
  t: 'run.snapshot'
  run: string
  chat: string
  message: string
  attempt: number
  seq: number
  text: string
  /** Name of the node at work, when known. */
  node?: string | undefined
  demo?: boolean | undefined
}

/** Text to append. `seq` counts a run's text frames from 1 within an attempt; a gap means: reconnect. */
export interface RunTextFrame {
  t: 'run.text'
  run: string
  seq: number
  text: string
}

/** A node began or ended. */
export interface RunNodeFrame {
  t: 'run.node'
  run: string
  node: string
  label?: string | undefined
  phase: 'start' | 'end' | 'fail'
}

/** The run is over. The final text arrives as the message row; keep the overlay until it does. */
export interface RunEndFrame {
  t: 'run.end'
  run: string
  status: 'completed' | 'failed' | 'cancelled' | 'paused'
}

export interface PongFrame {
  t: 'pong'
}

/** The session ended or the socket broke a rule; the connection closes after this. */
export interface ByeFrame {
  t: 'bye'
  code: string
}

export type ServerFrame =
  | HelloFrame
  | PollReplyFrame
  | RunSnapshotFrame
  | RunTextFrame
  | RunNodeFrame
  | RunEndFrame
  | PongFrame
  | ByeFrame
