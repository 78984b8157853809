import { readdirSync, readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

/** Process ids below this one whose command line holds `words`, on Linux. */
export function processesBelow(root: number, words: string): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) && readText(`/proc/${name}/stat`).match(/\) \S (\d+) /)?.[1]
    if (parent) parents.set(Number(name), Number(parent))
  }
  const below = (pid: number): boolean => {
    const parent = parents.get(pid)
    return parent !== undefined && (parent === root || below(parent))
  }
  return [...parents.keys()].filter((pid) => below(pid) && readText(`/proc/${pid}/cmdline`).includes(words))
}

/** The process that renders a tab: the one that works hard when the tab does. */
export async function rendererOf(tab: Page): Promise<number> {
  const renderers = processesBelow(process.pid, '--type=renderer')
  const before = new Map(renderers.map((pid) => [pid, cpuTicks(pid)]))
  await tab.evaluate(() => {
    const end = performance.now() + 500
    while (performance.now() < end) Math.random()
  })
  const grown = (pid: number) => cpuTicks(pid) - (before.get(pid) ?? 0)
  const [busiest] = renderers.sort((a, b) => grown(b) - grown(a))
  if (busiest === undefined) throw new Error('no renderer was found')
  return busiest
}

/** kill -9. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

function cpuTicks(pid: number): number {
  const fields = readText(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // it has ended meanwhile
    return ''
  }
}
