import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkImports, checkLocales, checkSizes, checkSql } from './laws.mjs'

const project = path.resolve(import.meta.dirname, '../..')
let root: string

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'laws-'))
  symlinkSync(path.join(project, 'node_modules'), path.join(root, 'node_modules'))
  symlinkSync(path.join(project, 'tsconfig.json'), path.join(root, 'tsconfig.json'))
})

afterAll(() => rmSync(root, { recursive: true }))

describe('imports', () => {
  // A skeleton of the product; every planted line breaks the law that is named before it.
  const planted: [law: string, file: string, text: string][] = [
    ['shared-stands-alone', 'shared/chat/rules.ts', `import '../../server/chat/index.ts'`],
    ['shared-kernel-knows-no-module', 'shared/kernel/id.ts', `import type {} from '../agent/rows.ts'`],
    ['browser-code-has-no-node', 'shared/kernel/clock.ts', `import 'node:fs'`],
    ['sync-core-is-pure', 'sync/core/merge.ts', `import '../client/host.ts'`],
    ['sync-client-not-server', 'sync/client/applier.ts', `import '../server/intake.ts'`],
    ['sync-server-not-client', 'sync/server/shape.ts', `import type {} from '../client/host.ts'`],
    ['client-not-server', 'client/chat/chat-page.vue', vue(`import '../../server/chat/domain/tree.ts'`)],
    ['server-not-client', 'server/chat/send-message.ts', `import '../../client/chat/composer.ts'`],
    ['modules-meet-at-the-door', 'server/chat/open-chat.ts', `import '../agent/agent.repository.ts'`],
    ['kernel-is-lowest', 'server/kernel/bus.ts', `import '../identity/index.ts'`],
    ['app-is-highest', 'server/agent/publish.ts', `import '../app/env.ts'`],
    ['identity-looks-down-only', 'server/identity/sign-in.ts', `import '../chat/index.ts'`],
    ['audit-looks-down-only', 'server/audit/seal.ts', `import '../config/index.ts'`],
    ['config-looks-down-only', 'server/config/keys.ts', `import '../mcp/index.ts'`],
    ['mcp-looks-down-only', 'server/mcp/tools.ts', `import '../rag/index.ts'`],
    ['rag-looks-down-only', 'server/rag/search.ts', `import '../workflow/index.ts'`],
    ['workflow-looks-down-only', 'server/workflow/run.ts', `import type {} from '../agent/index.ts'`],
    ['agent-looks-down-only', 'server/agent/rate.ts', `import '../store/index.ts'`],
    ['store-looks-down-only', 'server/store/install.ts', `import '../chat/index.ts'`],
    ['domain-does-no-io', 'server/chat/domain/move.ts', `import '../../kernel/bus.ts'`],
    ['domain-does-no-io-by-node', 'server/chat/domain/read.ts', `import 'node:fs'`],
    ['pg-has-one-home', 'server/chat/chat.repository.ts', `import 'pg'`],
    ['pglite-has-one-home', 'client/chat/replica.ts', `import('@electric-sql/pglite')`],
    ['electric-has-one-home', 'client/chat/stream.ts', `import 'electric-sql'`],
    ['dexie-has-one-home', 'client/chat/outbox.vue', vue(`import 'dexie'`)],
    ['express-has-one-home', 'server/chat/routes.ts', `import type {} from 'express'`],
    ['langchain-has-one-home', 'server/agent/compile.ts', `import '@langchain/langgraph'`],
    ['ajv-has-one-home', 'client/chat/validate.ts', `import 'ajv'`],
    ['reka-ui-has-one-home', 'client/chat/menu.vue', vue(`import 'reka-ui'`)],
    ['no-cycles', 'server/config/a.ts', `import './b.ts'`],
    ['no-missing-files', 'server/config/c.ts', `import './nowhere.ts'`],
    ['pages-load-lazily', 'client/chat/module.ts', `import './menu.vue'`],
    ['heavy-parts-load-lazily', 'client/app/shell.ts', `import '../../sync/client/replica.ts'`],
  ]
  const kept: [file: string, text: string][] = [
    ['shared/agent/rows.ts', ''],
    ['sync/client/host.ts', `import '../protocol/ack.ts'`],
    ['sync/client/replica.ts', `import '@electric-sql/pglite'`],
    ['sync/protocol/ack.ts', `import '../../shared/agent/rows.ts'`],
    ['sync/server/intake.ts', `import 'pg'\nimport '../../server/kernel/db.ts'`],
    ['server/kernel/db.ts', `import 'pg'`],
    ['server/chat/index.ts', `import '../agent/index.ts'\nimport '../../sync/server/intake.ts'`],
    ['server/chat/chat.test.ts', `import 'pg'\nimport '../agent/testing.ts'\nimport '../app/env.ts'`],
    ['server/chat/domain/tree.ts', `import './path.ts'\nimport '../../../shared/agent/rows.ts'`],
    ['server/chat/domain/path.ts', ''],
    ['server/app/env.ts', `import '../chat/index.ts'`],
    ['server/config/b.ts', `import './a.ts'`],
    ['server/agent/agent.repository.ts', ''],
    ['server/agent/testing.ts', ''],
    ['client/main.ts', `import './app/shell.ts'\nimport('./chat/chat-page.vue')`],
    ['client/chat/composer.ts', ''],
    ...['identity', 'config', 'mcp', 'rag', 'workflow', 'agent', 'store'].map((module): [string, string] => [
      `server/${module}/index.ts`,
      '',
    ]),
  ]
  let broken: string[]

  beforeAll(() => {
    for (const [file, text] of kept) write(file, text)
    for (const [, file, text] of planted) write(file, text)
    broken = checkImports(root)
  }, 60_000)

  test.each(planted)('%s catches %s', (law, file) => {
    const caught = broken.filter((sentence) => sentence.startsWith(`${law}: `) && sentence.includes(file))
    expect(caught, broken.join('\n')).not.toEqual([])
  })

  test('what the laws allow is not caught', () => {
    const innocent = kept.map(([file]) => file).filter((file) => file !== 'server/config/b.ts')
    expect(broken.filter((sentence) => innocent.some((file) => sentence.includes(`: ${file} →`)))).toEqual([
      'heavy-parts-load-lazily: client/main.ts → client/app/shell.ts → sync/client/replica.ts → '.concat(
        broken
          .find((sentence) => sentence.startsWith('heavy-parts'))
          ?.split(' → ')
          .at(-1) ?? '',
      ),
    ])
  })
})

test('a file over 400 lines and a component over 300 are named', () => {
  write('server/store/long.ts', 'x\n'.repeat(401))
  write('server/store/fits.ts', 'x\n'.repeat(400))
  write('client/store/long.vue', 'x\n'.repeat(301))
  expect(checkSizes(root)).toEqual([
    'max-lines: client/store/long.vue has 301 lines, 300 are allowed',
    'max-lines: server/store/long.ts has 401 lines, 400 are allowed',
  ])
})

test('SQL outside repositories is named, words that look like it are not', () => {
  write('server/rag/search.ts', 'export const hits = `select id from chunks where true`')
  write('server/rag/chunk.repository.ts', 'export const hits = `select id from chunks`')
  write('server/rag/words.ts', `export const tip = 'Select a file, then update it from the menu'`)
  expect(checkSql(root)).toEqual(['sql-lives-in-repositories: server/rag/search.ts'])
})

test('texts and placeholders that exist in one language only are named', () => {
  write('client/chat/locales/zh-CN.json', JSON.stringify({ title: '聊天', list: { unread: '{n} 条', gone: '无' } }))
  write(
    'client/chat/locales/en.json',
    JSON.stringify({ title: 'Chat', list: { unread: '{m} one | {m} many' }, more: 'More' }),
  )
  write('client/store/locales/en.json', '{}')
  expect(checkLocales(root)).toEqual([
    'locales: the placeholders of list.unread differ in client/chat/locales/zh-CN.json and client/chat/locales/en.json',
    'locales: client/chat/locales/en.json lacks list.gone',
    'locales: client/chat/locales/zh-CN.json lacks more',
    'locales: client/store/locales/zh-CN.json is missing',
  ])
})

function vue(script: string): string {
  return `<script setup lang="ts">\n${script}\n</script>\n<template><p>x</p></template>\n`
}

function write(file: string, text: string): void {
  const target = path.join(root, file)
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, `${text}\n`)
}
