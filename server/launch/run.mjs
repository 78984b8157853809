import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

/**
 * npm passes nothing on when it is killed with -9, and its shell passes nothing on at all; without this the server would
 * live on, holding the port. npm is our parent, or the parent of the shell between us.
 */
export function whenNpmDies(act) {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return undefined
  const born = ancestry()
  return setInterval(() => {
    if (ancestry() !== born) act()
  }, 500).unref()
}

function ancestry() {
  return `${process.ppid} ${parentOf(process.ppid)}`
}

/** Linux only: elsewhere the shell replaces itself by us, and npm is our parent. */
function parentOf(pid) {
  try {
    return /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
