import { describe, expect, it } from 'vitest'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { chatToMarkdown, fileName } from './export-chat.ts'

const words = { you: '你', agent: '榕树助手', unfinished: '还在回答。' }
const message = (role: 'user' | 'assistant', content: string, status: ChatMessageRow['status'] = 'sent') => ({
  id: content,
  chat_id: 'c',
  parent_message_id: null,
  role,
  content,
  status,
  metadata: {},
  workflow_execution_id: null,
  workflow_node_name: null,
  workflow_status: 'completed' as const,
  message_type: 'text' as const,
  is_intermediate: false,
  user_id: 'u',
  seq: 1,
  deleted_at: null,
  created_at: '',
  updated_at: '',
})

describe('a chat as Markdown', () => {
  it('has the title, who spoke, and what they said', () => {
    const text = chatToMarkdown('标题', [message('user', '问'), message('assistant', '答\n')], words)
    expect(text).toBe('# 标题\n\n## 你\n\n问\n\n## 榕树助手\n\n答\n')
  })

  it('leaves out what was deleted or says nothing', () => {
    const text = chatToMarkdown('t', [message('user', 'x', 'deleted'), message('assistant', ' ', 'failed')], words)
    expect(text).toBe('# t\n')
  })

  it('marks an answer that was still being written', () => {
    expect(chatToMarkdown('t', [message('assistant', '半', 'sending')], words)).toContain('半\n\n*还在回答。*\n')
  })

  it.each([
    ['a block cut off in the middle', '```js\nlet a', '```js\nlet a\n```'],
    ['a longer fence', '````md\n```\n', '````md\n```\n````'],
    ['a closed block', '```\na\n```', '```\na\n```'],
    ['inline code at the beginning of a line', '```a``` b', '```a``` b'],
  ])('lets no code block swallow what follows: %s', (_what, content, closed) => {
    const text = chatToMarkdown('t', [message('assistant', content), message('user', '下一个')], words)
    expect(text).toBe(`# t\n\n## 榕树助手\n\n${closed}\n\n## 你\n\n下一个\n`)
  })
})

it('makes a file name that every file system takes', () => {
  expect(fileName('报告/草稿: "终"?\n', 'md')).toBe('报告 草稿 终.md')
  expect(fileName('///', 'json')).toBe('chat.json')
})
