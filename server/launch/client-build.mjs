import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from './toolchain.mjs'
import { fail, say } from './words.mjs'

const sources = ['client', 'shared', 'sync', 'manifest.webmanifest', 'package.json', 'package-lock.json']
const notSources = /(^|\/)(e2e|testing|node_modules)(\/|$)|\.test\.ts$|\.md$/
const output = path.join(projectRoot, 'dist/client')
const stamp = path.join(output, '.build.json')

/** Builds the client when its sources have changed since the last build (by content: a checkout changes times). */
export function buildClient(node24, { quiet = false } = {}) {
  if (!existsSync(path.join(projectRoot, 'client/vite.config.ts'))) return
  const hash = hashSources()
  if (readStamp() === hash && existsSync(path.join(output, 'index.html'))) return
  if (!quiet) say('正在构建界面……', 'Building the client …')
  const vite = path.join(projectRoot, 'node_modules/vite/bin/vite.js')
  const result = spawnSync(node24, [vite, 'build', '--config', 'client/vite.config.ts', '--logLevel', 'warn'], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
  })
  if (result.status !== 0) {
    console.error(`${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-40).join('\n'))
    fail('界面构建失败：原因见上文。', 'Building the client failed: the reason is above.')
  }
  writeFileSync(stamp, `${JSON.stringify({ hash })}\n`)
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stamp, 'utf8')).hash
  } catch {
    return undefined
  }
}

function hashSources() {
  const hash = createHash('sha256')
  for (const source of sources) addToHash(hash, source)
  return hash.digest('hex')
}

function addToHash(hash, relative) {
  if (notSources.test(relative)) return
  const absolute = path.join(projectRoot, relative)
  let children
  try {
    children = readdirSync(absolute).sort()
  } catch (error) {
    if (error.code === 'ENOENT') return
    if (error.code !== 'ENOTDIR') throw error
    hash.update(`${relative}\0`).update(readFileSync(absolute)).update('\0')
    return
  }
  for (const child of children) addToHash(hash, `${relative}/${child}`)
}
