/**
 * Frames of `WS /api/socket`: JSON text, one object each, told apart by `t`. One socket carries all live shapes of a
 * replica and everything that happens in the person's runs.
 */

/** Asks for one live poll of a shape: the query parameters of `GET /api/sync/shapes/:name`. Answered once, by `id`. */
export interface PollFrame {
  t: 'poll'
  id: number
  shape: string
  query: Record<string, string>
}

/** Gives up a poll that has not been answered. */
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
