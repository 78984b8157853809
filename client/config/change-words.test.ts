import { expect, it } from 'vitest'
import { addMessages, useI18n } from '../ui/i18n.ts'
import { MUTATORS } from '../../shared/registry.ts'
import { SHAPE_NAMES } from '../../sync/protocol/shapes.ts'
import en from './locales/en.json' with { type: 'json' }
import zh from './locales/zh-CN.json' with { type: 'json' }
import { changeTitle, describeChange } from './change-words.ts'

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

it('names the thing where the person wrote nothing, and keeps to one line', () => {
  useI18n().locale.value = 'zh-CN'
  addMessages('zh-CN', 'config', zh)
  const names = new Map([['x', '旅行']])
  expect(changeTitle({ name: 'chat.delete', args: { id: 'x' } }, names)).toBe('删除对话：旅行')
  expect(changeTitle({ name: 'chat.delete', args: { id: 'y' } }, names)).toBe('删除对话')
  expect(changeTitle({ name: 'nobody.knows', args: {} })).toBe('一处改动')
  const long = changeTitle({ name: 'message.send', args: { content: `第一行\n${'很'.repeat(200)}` } })
  expect(long).toMatch(/^发送消息：第一行 很+…$/)
  expect(long.length).toBeLessThan(90)
})

it.each([
  ['zh-CN', zh],
  ['en', en],
])('has words for every change and every part of a replica: %s', (_language, words) => {
  const changes = Object.keys(MUTATORS).map((name) => name.replaceAll('.', '-'))
  expect(changes.filter((key) => !Object.hasOwn(words.change, key))).toEqual([])
  expect(SHAPE_NAMES.filter((name) => !Object.hasOwn(words.shape, name))).toEqual([])
})
