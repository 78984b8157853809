import type { ChatListRow } from '../../shared/chat/queries.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import type { PathEntry } from '../../shared/chat/tree.ts'

export interface ExportWords {
  you: string
  agent: string
}

/** The shown branch as one Markdown document. */
export function chatToMarkdown(
  chat: Pick<ChatListRow, 'title'>,
  path: readonly PathEntry<ChatMessageRow>[],
  words: ExportWords,
): string {
  const parts = path
    .filter(({ message }) => message.status !== 'deleted' && message.content !== '')
    .map(({ message }) => `## ${message.role === 'user' ? words.you : words.agent}\n\n${message.content.trim()}`)
  return [`# ${chat.title}`, ...parts].join('\n\n').concat('\n')
}

/** The whole chat with every branch, as data. */
export function chatToJson(chat: ChatListRow, messages: readonly ChatMessageRow[]): string {
  const { id, title, agent_id, agent_name, agent_version_id, created_at } = chat
  return `${JSON.stringify(
    {
      format: 'banyan-chat',
      version: 1,
      chat: { id, title, agent_id, agent_name, agent_version_id, created_at },
      messages: messages
        .filter((message) => message.status !== 'deleted' && !message.is_intermediate)
        .map((message) => ({
          id: message.id,
          parent_message_id: message.parent_message_id,
          role: message.role,
          content: message.content,
          status: message.status,
          metadata: message.metadata,
          created_at: message.created_at,
        })),
    },
    null,
    2,
  )}\n`
}

/** A file name from a title: what file systems refuse is left out. */
export function fileName(title: string, extension: string): string {
  const safe = title
    .replaceAll(/[\\/:*?"<>|\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 80)
  return `${safe || 'chat'}.${extension}`
}

export function saveFile(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
