import { expect, it } from 'vitest'
import { describeChange } from './rejected-words.ts'

it('finds the words that the person wrote', () => {
  expect(describeChange('message.send', { chat_id: 'x', content: '你好' })).toEqual({
    key: 'message-send',
    text: '你好',
  })
  expect(describeChange('chat.update', { id: 'x', set: { title: '新名' } })).toEqual({
    key: 'chat-update',
    text: '新名',
  })
  expect(describeChange('chat.delete', { id: 'x' })).toEqual({ key: 'chat-delete', text: '' })
})
