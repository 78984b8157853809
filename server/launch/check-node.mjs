// First import of every launcher: says one clear sentence on a Node that is too old. Written in syntax that Node 14 parses.
const parts = process.versions.node.split('.').map(Number)
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  console.error(
    'Banyan 需要 Node.js 20.19 或更新的版本，当前是 ' + process.versions.node + '：请先升级 Node.js（nodejs.org）。',
  )
  console.error(
    'Banyan needs Node.js 20.19 or newer, this is ' +
      process.versions.node +
      ': please upgrade Node.js first (nodejs.org).',
  )
  process.exit(1)
}
