import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_STATUS } from '../../shared/kernel/errors.ts'

const client = path.join(import.meta.dirname, '..')
const files = readdirSync(client, { recursive: true, encoding: 'utf8' }).map((file) => file.split(path.sep).join('/'))
const modules = files.filter((file) => /^\w+\/locales\/zh-CN\.json$/.test(file)).map((file) => file.split('/')[0] ?? '')

function messages(module: string, locale: string): Map<string, string> {
  const tree: unknown = JSON.parse(readFileSync(path.join(client, module, 'locales', `${locale}.json`), 'utf8'))
  const flat = new Map<string, string>()
  const walk = (node: unknown, key: string) => {
    if (typeof node === 'string') flat.set(key, node)
    else if (typeof node === 'object' && node !== null)
      for (const [name, child] of Object.entries(node)) walk(child, `${key}.${name}`)
  }
  walk(tree, module)
  return flat
}

/** Names in a message, once each: plural forms repeat them. */
const placeholders = (message: string) =>
  [...new Set([...message.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort()

describe.each(modules)('the words of %s', (module) => {
  const zh = messages(module, 'zh-CN')
  const en = messages(module, 'en')

  it('say the same things in both languages', () => {
    expect([...en.keys()].sort()).toEqual([...zh.keys()].sort())
    for (const [key, message] of zh)
      expect({ key, names: placeholders(en.get(key) ?? '') }).toEqual({ key, names: placeholders(message) })
  })

  it('hold parameters in braces and nothing else, and one form in Chinese, one or two in English', () => {
    for (const [key, message] of [...zh, ...en])
      expect({ key, left: message.replaceAll(/\{\w+\}/g, '').match(/[{}]/g) }).toEqual({ key, left: null })
    for (const [key, message] of zh) expect({ key, forms: message.split('|').length }).toEqual({ key, forms: 1 })
    for (const [key, message] of en)
      expect([message.split(' | ').length, key]).toEqual([Math.min(2, message.split('|').length), key])
  })
})

it('has every message that a file asks for by a literal key', () => {
  const known = new Map(modules.map((module) => [module, messages(module, 'zh-CN')]))
  const missing: string[] = []
  for (const file of files) {
    if (!/\.(?:vue|ts)$/.test(file) || file.endsWith('.test.ts') || file.startsWith('e2e')) continue
    const text = readFileSync(path.join(client, file), 'utf8')
    for (const match of text.matchAll(/\bt\(\s*'([a-z]+)\.([\w.-]+)'/g)) {
      const module = match[1] ?? ''
      if (known.has(module) && !known.get(module)?.has(`${module}.${match[2]}`))
        missing.push(`${file}: ${module}.${match[2]}`)
    }
  }
  expect(missing).toEqual([])
})

it('has words for every error code', () => {
  const app = messages('app', 'zh-CN')
  expect(Object.keys(ERROR_STATUS).filter((code) => !app.has(`app.error.${code.replace('/', '.')}`))).toEqual([])
})
