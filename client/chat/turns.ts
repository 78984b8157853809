import type { ChatMessageRow } from '../../shared/chat/rows.ts'

/** As much of a path entry as is needed here. */
interface Entry {
  readonly message: Pick<ChatMessageRow, 'role' | 'status'>
  readonly siblings: readonly unknown[]
}

const isTombstone = (entry: Entry | undefined) => entry?.message.status === 'deleted' && entry.siblings.length === 1

/** The answer that the message at `index` follows; what was taken away in between does not count. */
export function answerBefore<E extends Entry>(path: readonly E[], index: number): E | undefined {
  const before = path.slice(0, index)
  return before.findLast(({ message }) => message.role === 'assistant' && message.status !== 'deleted')
}

/** Whether question and answer are both gone: such a turn is not drawn, it only holds what hangs below it. */
export function isVanished(path: readonly Entry[], index: number): boolean {
  const entry = path[index]
  const other = entry?.message.role === 'user' ? path[index + 1] : path[index - 1]
  return isTombstone(entry) && isTombstone(other) && other?.message.role !== entry?.message.role
}
