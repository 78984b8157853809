import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tarOf, type TarEntry } from './tar.ts'

test('tar reads it: directories, empty files, files of any length', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'banyan-tar-'))
  const bytes = new Uint8Array(1025).fill(7)
  const entries: TarEntry[] = [
    { path: 'empty' },
    { path: 'a' },
    { path: 'a/b', bytes },
    { path: 'a/none', bytes: new Uint8Array() },
  ]
  try {
    writeFileSync(path.join(directory, 'x.tar'), new Uint8Array(await tarOf(entries).arrayBuffer()))
    execFileSync('tar', ['-xf', 'x.tar'], { cwd: directory })
    expect(readdirSync(directory).sort()).toEqual(['a', 'empty', 'x.tar'])
    expect(readdirSync(path.join(directory, 'empty'))).toEqual([])
    expect(new Uint8Array(readFileSync(path.join(directory, 'a/b')))).toEqual(bytes)
    expect(readFileSync(path.join(directory, 'a/none'))).toHaveLength(0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a name that does not fit is refused instead of being cut', () => {
  expect(() => tarOf([{ path: 'x'.repeat(101) }])).toThrow(RangeError)
})
