import './check-node.mjs'
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { findNode24, isInstalled, projectRoot } from './toolchain.mjs'

// npm run doctor: looks at what npm start needs, changes nothing, and says what to do.
let healthy = true

good(`Node.js ${process.versions.node}`)
checkNpm()
checkProjectFolder()
const node = checkPackages()
// The rest speaks TypeScript (the same readEnvironment and checkDatabase as the server), so it runs on Node 24.
if (node) {
  const result = spawnSync(node, ['--disable-warning=ExperimentalWarning', 'server/launch/doctor-checks.mjs'], {
    cwd: projectRoot,
    stdio: 'inherit',
  })
  if (result.status !== 0) healthy = false
}
console.log(
  healthy
    ? '\n一切就绪：npm start · All is well: npm start'
    : '\n请先处理上面标有 ✗ 的各项 · Please see to the lines marked ✗ first',
)
process.exitCode = healthy ? 0 : 1

function checkNpm() {
  const cli = process.env.npm_execpath
  const result = cli
    ? spawnSync(process.execPath, [cli, '--version'], { encoding: 'utf8' })
    : spawnSync('npm', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
  if (result.status === 0) good(`npm ${result.stdout.trim()}`)
  else bad('找不到 npm：请重新安装 Node.js（自带 npm）。', 'npm was not found: install Node.js again, it brings npm.')
}

function checkProjectFolder() {
  try {
    accessSync(projectRoot, constants.W_OK)
  } catch {
    if (isInstalled({ dev: false })) return
    bad(
      `无法写入项目文件夹 ${projectRoot}，依赖装不进去：请检查它的所有者和权限。`,
      `The project folder ${projectRoot} cannot be written, so nothing can be installed: check its owner and rights.`,
    )
  }
}

function checkPackages() {
  if (!isInstalled({ dev: false })) {
    note('依赖尚未安装：npm start 会自动安装。', 'The dependencies are not installed yet: npm start does it.')
    return undefined
  }
  good(`${path.join(projectRoot, 'node_modules')}`)
  const found = findNode24()
  if (!found) {
    bad(
      `没有适合 ${process.platform}-${process.arch} 的 Node 24：请安装 Node.js 24 或更新的版本。`,
      `There is no Node 24 for ${process.platform}-${process.arch}: install Node.js 24 or newer.`,
    )
  }
  return found
}

function good(text) {
  console.log(`✓ ${text}`)
}

function note(zh, en) {
  console.log(`· ${zh}\n  ${en}`)
}

function bad(zh, en) {
  healthy = false
  console.log(`✗ ${zh}\n  ${en}`)
}
