import { expect, it } from 'vitest'
import { categoryOptions, categoryTree } from './category-tree.ts'
import { listingText } from './listing-text.ts'

const category = (id: string, parent_id: string | null) => ({
  id,
  parent_id,
  slug: id,
  name: `${id}类`,
  name_en: id,
  agents: 1,
})

it('builds the tree of categories and keeps orphans', () => {
  const tree = categoryTree([category('b', 'a'), category('a', null), category('c', 'gone')])
  expect(categoryOptions(tree, 'zh-CN').map(({ label, depth }) => `${depth}${label}`)).toEqual(['0a类', '1b类', '0c类'])
  expect(categoryOptions(tree, 'en')[0]?.label).toBe('a')
})

it('falls back to the other language, then to the row', () => {
  const agent = {
    name: 'row',
    description: 'row text',
    listing: { zh: { name: '名', tagline: ' ' }, en: { tagline: 'line', starters: ['Hi'] } },
  }
  expect(listingText(agent, 'zh-CN')).toEqual({
    name: '名',
    tagline: 'line',
    description: 'row text',
    starters: ['Hi'],
  })
  expect(listingText(agent, 'en').name).toBe('名')
  expect(listingText({ name: 'row' }, 'en')).toEqual({ name: 'row', tagline: '', description: '', starters: [] })
})
