import './check-node.mjs'
import { spawn } from 'node:child_process'
import { whenNpmDies } from './run.mjs'
import { install, projectRoot, requireNode24 } from './toolchain.mjs'

// npm run dev: the server restarts when its files change; vite serves the client (its config proxies /api, /v1, /mcp to the server).
install({ dev: true })
const node = requireNode24()
const server = `http://${process.env.HOST ?? '127.0.0.1'}:${process.env.PORT ?? '8787'}`
const children = [
  run(
    [
      '--watch',
      '--watch-preserve-output',
      '--disable-warning=ExperimentalWarning',
      '--import',
      new URL('leave-with-parent.mjs', import.meta.url).href,
      'server/app/main.ts',
    ],
    // Where people look is vite's address.
    { LOG_LEVEL: 'debug', PUBLIC_URL: 'http://127.0.0.1:5173' },
  ),
  run(['node_modules/vite/bin/vite.js', '--config', 'client/vite.config.ts'], { BANYAN_DEV_SERVER: server }),
]

let leaving = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => leave(signal))
for (const child of children) child.once('exit', () => leave('SIGTERM'))
const timer = whenNpmDies(() => leave('SIGTERM'))

function run(args, env) {
  return spawn(node, args, { cwd: projectRoot, stdio: 'inherit', env: { ...env, ...process.env } })
}

function leave(signal) {
  if (leaving) return
  leaving = true
  clearInterval(timer)
  for (const child of children) child.kill(signal)
}
