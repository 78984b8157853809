import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { explain } from './explain.ts'

test.each([
  [Object.assign(new Error('mkdir'), { code: 'EACCES' }), /cannot be written \(EACCES\)/],
  [Object.assign(new Error('write'), { code: 'ENOSPC' }), /is full/],
  [new Error('initdb failed (1): could not write to file: No space left on device'), /is full/],
  [Object.assign(new Error('spawn /x/initdb ENOENT'), { code: 'ENOENT' }), /does not run on this system/],
  [new Error('initdb failed (127): error while loading shared libraries: libz.so.1'), /does not run on this system/],
])('%s gets a sentence', (error, sentence) => {
  expect(String(explain(error, tmpdir()))).toMatch(sentence)
})

test('what nobody foresaw passes as it is', () => {
  const error = new Error('Postgres did not start: FATAL: bogus')
  expect(explain(error, tmpdir())).toBe(error)
})
