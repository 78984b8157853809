import type { ChatListRow } from '../../shared/chat/queries.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'

export interface ExportWords {
  you: string
  agent: string
  /** Stands below an answer that was still being written. */
  unfinished: string
}

/** The shown branch as one Markdown document. */
export function chatToMarkdown(title: string, path: readonly ChatMessageRow[], words: ExportWords): string {
  const parts = path
    .filter((message) => message.status !== 'deleted' && message.content.trim() !== '')
    .flatMap((message) => [
      `## ${message.role === 'user' ? words.you : words.agent}`,
      closeFence(message.content.trim()),
      ...(message.status === 'sending' ? [`*${words.unfinished}*`] : []),
    ])
  return [`# ${title.replaceAll(/\s+/g, ' ')}`, ...parts].join('\n\n').concat('\n')
}

/** A code block that a message leaves open must not swallow the messages after it. */
function closeFence(text: string): string {
  let open = ''
  for (const line of text.split('\n')) {
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    const [, marks = '', rest = ''] = fence ?? []
    if (open === '' && !(marks.startsWith('`') && rest.includes('`'))) open = marks
    else if (marks.startsWith(open) && rest.trim() === '') open = ''
  }
  return open === '' ? text : `${text}\n${open}`
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
    .replaceAll(/[\\/:*?"<>|\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 80)
  return `${safe || 'chat'}.${extension}`
}
