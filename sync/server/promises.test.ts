import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const here = (path: string) => new URL(`../${path}`, import.meta.url)
const sections = readFileSync(here('SPEC.md'), 'utf8').split(/^## /m)
const section = sections.find((text) => /^\d+\. The shape server\n/.test(text)) ?? ''
const [, , ...promises] = section.split('\n').filter((line) => line.startsWith('|'))

test('SPEC.md says what the shape server promises', () => expect(promises.length).toBeGreaterThan(10))

test.each(promises)('%s', (promise) => {
  const files = [...promise.matchAll(/`(server\/[^`]+)`/g)].map(([, path = '']) => path)
  expect(files).not.toEqual([])
  for (const path of files) expect([path, existsSync(here(path))]).toEqual([path, true])
})
