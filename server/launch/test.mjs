import './check-node.mjs'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { buildClient } from './client-build.mjs'
import { checkImports, checkLocales, checkSizes, checkSql } from './laws.mjs'
import { install, projectRoot, requireNode24 } from './toolchain.mjs'
import { fail } from './words.mjs'

// npm test: every check that CI runs, cheapest first; stops at the first group that fails.
//   --only <group>[,<group>]   just these, for development      --soak   adds the long tests
const args = process.argv.slice(2)
const only = readOnly()
install({ dev: true })
const node = requireNode24()
const soak = args.includes('--soak') ? { BANYAN_SOAK: '1' } : {}

const groups = {
  format: () => tool('oxfmt/bin/oxfmt', ['--check', '.']),
  lint: () => tool('oxlint/bin/oxlint', ['--format', 'unix']),
  imports: () => law(checkImports),
  sizes: () => law(checkSizes),
  sql: () => law(checkSql),
  locales: () => law(checkLocales),
  types: () => tool('vue-tsc/bin/vue-tsc.js', ['--noEmit']),
  unit: () => vitest(['--config', 'vitest.config.ts', '--project', 'unit']),
  pg: () => vitest(['--config', 'vitest.config.ts', '--project', 'pg']),
  build: () => (buildClient(node, { quiet: true }), true),
  e2e: () => vitest(['--config', 'vitest.e2e.config.ts']),
}

process.exitCode = runGroups()

function runGroups() {
  const chosen = Object.keys(groups).filter((name) => !only || only.includes(name))
  const results = []
  for (const name of chosen) {
    console.log(`\n── ${name}`)
    const began = Date.now()
    const passed = groups[name]()
    results.push({ name, passed, seconds: ((Date.now() - began) / 1000).toFixed(1) })
    if (!passed) break
  }
  console.log('')
  for (const name of chosen) {
    const result = results.find((one) => one.name === name)
    if (result) console.log(`${result.passed ? '✓' : '✗'} ${name.padEnd(8)} ${result.seconds.padStart(6)} s`)
    else console.log(`· ${name.padEnd(8)} not run`)
  }
  return results.every((result) => result.passed) ? 0 : 1
}

function tool(script, toolArgs, env = {}) {
  const file = path.join(projectRoot, 'node_modules', script)
  const result = spawnSync(node, [file, ...toolArgs], {
    cwd: projectRoot,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return result.status === 0
}

function vitest(toolArgs) {
  if (!existsSync(path.join(projectRoot, 'node_modules/vitest'))) return false
  // Tests choose their own environment; a developer's variables (DATABASE_URL …) must not leak into it.
  return tool('vitest/vitest.mjs', ['run', ...toolArgs], {
    ...soak,
    NODE_ENV: 'test',
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
  })
}

function law(check) {
  const sentences = check(projectRoot)
  for (const sentence of sentences) console.error(sentence)
  return sentences.length === 0
}

function readOnly() {
  const at = args.indexOf('--only')
  if (at < 0) return undefined
  const names = (args[at + 1] ?? '').split(',')
  const known = ['format', 'lint', 'imports', 'sizes', 'sql', 'locales', 'types', 'unit', 'pg', 'build', 'e2e']
  if (names.every((name) => known.includes(name))) return names
  return fail(`--only 后应为：${known.join('、')}。`, `--only takes: ${known.join(', ')}.`)
}
