import './check-node.mjs'
import { buildClient } from './client-build.mjs'
import { runInForeground } from './run.mjs'
import { install, requireNode24 } from './toolchain.mjs'

// npm run bench: what a turn, a start and a write cost. Everything after -- goes to the bench itself.
install({ dev: true })
const node = requireNode24()
buildClient(node)
process.exitCode = await runInForeground(node, [
  '--disable-warning=ExperimentalWarning',
  'server/app/testing/bench/main.ts',
  ...process.argv.slice(2),
])
