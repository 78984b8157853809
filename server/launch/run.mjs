import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { projectRoot } from './toolchain.mjs'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a program in the foreground of this one: same terminal, signals passed on. Resolves with its exit code
 * (128 + signal when a signal ended it). With Ctrl-C it may get SIGINT more than once, from the terminal and from us.
 */
export function runInForeground(program, args, { env = process.env, watchParent = false } = {}) {
  return new Promise((resolve) => {
    const stdio = watchParent ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit'
    const child = spawn(program, args, { cwd: projectRoot, env, stdio })
    const pass = (signal) => child.kill(signal)
    for (const signal of forwarded) process.on(signal, pass)
    const timer = watchParent ? whenNpmDies(() => child.kill('SIGTERM')) : undefined
    const done = (code) => {
      clearInterval(timer)
      for (const signal of forwarded) process.off(signal, pass)
      resolve(code)
    }
    child.once('error', (error) => {
      console.error(error.message)
      done(1)
    })
    child.once('exit', (code, signal) => done(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

/** npm killed with -9 passes nothing on; without this its server would live on, holding the port. */
function whenNpmDies(act) {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return undefined
  const parent = process.ppid
  return setInterval(() => {
    if (process.ppid !== parent) act()
  }, 1000).unref()
}
