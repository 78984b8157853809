import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import type { RunOverlay } from '../../sync/client/local-store.ts'

/** Where an answer stands, as a reader should know it. */
export type AnswerState =
  /** The question has not left this device. */
  | 'unsent'
  /** Another answer of this chat has to end first. */
  | 'behind'
  /** Started, nothing to read yet. */
  | 'thinking'
  | 'writing'
  /** Goes on where this device cannot see it. */
  | 'away'
  /** Waits for a person. */
  | 'paused'
  | 'done'
  | 'failed'
  | 'stopped'
  | 'deleted'

type AnswerRow = Pick<ChatMessageRow, 'id' | 'status' | 'workflow_status' | 'content' | 'parent_message_id'>

export interface AnswerSurroundings {
  run: Pick<RunOverlay, 'text' | 'ended'> | undefined
  /** Messages that wait on this device for the network. */
  pending: ReadonlySet<string>
  /** The answer that the question of this one follows, if any. */
  before: Pick<ChatMessageRow, 'status'> | undefined
  /** Whether the line to the server is broken. */
  offline?: boolean
}

export function answerState(row: AnswerRow, { run, pending, before, offline }: AnswerSurroundings): AnswerState {
  if (row.status === 'deleted') return 'deleted'
  if (row.status === 'failed') return row.workflow_status === 'cancelled' ? 'stopped' : 'failed'
  if (row.status === 'sent') return row.workflow_status === 'cancelled' ? 'stopped' : 'done'
  if (pending.has(row.id) && !run) return 'unsent'
  if (row.workflow_status === 'paused') return 'paused'
  if (before?.status === 'sending') return 'behind'
  if (offline) return 'away'
  return answerText(row, run) === '' ? 'thinking' : 'writing'
}

/** The text to show: the stream's while it is ahead of the row. */
export function answerText(
  row: Pick<ChatMessageRow, 'status' | 'content'>,
  run: Pick<RunOverlay, 'text'> | undefined,
): string {
  if (row.status !== 'sending' || !run) return row.content
  return run.text.length >= row.content.length ? run.text : row.content
}

/** Whether the answer has yet to begin, so that its question can be taken back. */
export function isWaiting(state: AnswerState): boolean {
  return state === 'unsent' || state === 'behind'
}

const OPEN: ReadonlySet<AnswerState> = new Set(['unsent', 'behind', 'thinking', 'writing', 'away', 'paused'])

/** Whether the answer is still to change. */
export function isOpen(state: AnswerState): boolean {
  return OPEN.has(state)
}
