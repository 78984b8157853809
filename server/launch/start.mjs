import './check-node.mjs'
import { buildClient } from './client-build.mjs'
import { NODE_FLAGS } from './node-flags.mjs'
import { runInForeground } from './run.mjs'
import { install, requireNode24 } from './toolchain.mjs'

// npm start: install what is missing, build the client when stale, run the server on Node 24 in the foreground.
install({ dev: false })
const node = requireNode24()
buildClient(node)
process.exitCode = await runInForeground(
  node,
  [
    ...NODE_FLAGS,
    '--import',
    new URL('leave-with-parent.mjs', import.meta.url).href,
    'server/app/main.ts',
    ...process.argv.slice(2),
  ],
  { watchParent: true },
)
