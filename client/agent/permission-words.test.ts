import { expect, it } from 'vitest'
import { permissionChanges, permissionWords } from './permission-words.ts'

it('reads the kind and the name of a permission', () => {
  expect(permissionWords('llm')).toEqual({ kind: 'llm', name: '' })
  expect(permissionWords('tool:quote.get')).toEqual({ kind: 'tool', name: 'quote.get' })
  expect(permissionWords('https://example.com')).toEqual({ kind: 'web', name: 'https://example.com' })
  expect(permissionWords('something')).toEqual({ kind: 'other', name: 'something' })
})

it('puts new permissions first and keeps removed ones in sight', () => {
  expect(
    permissionChanges(['llm', 'rag'], ['llm', 'tool:a']).map(({ permission, change }) => `${change} ${permission}`),
  ).toEqual(['added tool:a', 'same llm', 'removed rag'])
  expect(permissionChanges(undefined, ['llm'])).toEqual([{ permission: 'llm', change: 'same' }])
})
