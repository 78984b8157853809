import { computed } from 'vue'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addMessages, t, te, useI18n } from './i18n.ts'

const { locale } = useI18n()

beforeAll(() => {
  addMessages('zh-CN', 'box', { open: '打开{name}', found: '找到 {n} 个', deep: { er: '深处' } })
  addMessages('en', 'box', { open: 'Open {name}', found: '{n} thing found | {n} things found', deep: { er: 'Deeper' } })
})
beforeEach(() => {
  locale.value = 'en'
})

describe('words', () => {
  it('are those of the language in use, and change with it', () => {
    const title = computed(() => t('box.open', { name: 'A' }))
    expect(title.value).toBe('Open A')
    locale.value = 'zh-CN'
    expect(title.value).toBe('打开A')
  })

  it('take the form for one or for many', () => {
    expect([0, 1, 2].map((n) => t('box.found', { n }))).toEqual(['0 things found', '1 thing found', '2 things found'])
    expect(t('box.found', { n: '1' }, 1)).toBe('1 thing found')
    locale.value = 'zh-CN'
    expect([0, 1, 2].map((n) => t('box.found', { n }))).toEqual(['找到 0 个', '找到 1 个', '找到 2 个'])
  })

  it('stand at any depth, and a parameter that is not given leaves no trace', () => {
    expect(t('box.deep.er')).toBe('Deeper')
    expect(t('box.open', { name: undefined })).toBe('Open ')
    expect(t('box.open', { name: '{n} | $&' })).toBe('Open {n} | $&')
  })

  it('replace their key on the screen as soon as they arrive', () => {
    const late = computed(() => [te('late.title'), t('late.title')])
    expect(late.value).toEqual([false, 'late.title'])
    addMessages('en', 'late', { title: 'Here' })
    expect(late.value).toEqual([true, 'Here'])
  })
})
