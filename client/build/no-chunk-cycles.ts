import type { Plugin } from 'vite'

/**
 * Refuses a build in which two files import each other: the one that runs first sees nothing of the other, and, say,
 * icons are gone without an error anywhere.
 */
export function noChunkCycles(): Plugin {
  return {
    name: 'banyan-no-chunk-cycles',
    apply: 'build',
    generateBundle(_options, bundle) {
      const imports = new Map(
        Object.values(bundle).flatMap((file) =>
          file.type === 'chunk' ? [[file.fileName, file.imports] as const] : [],
        ),
      )
      const cycle = findCycle(imports)
      if (cycle) this.error(`files that import each other: ${cycle.join(' → ')}`)
    },
  }
}

/** A way from a file back to itself; undefined when there is none. */
export function findCycle(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of imports.get(file) ?? []) {
      const cycle = walk(next, [...trail, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of imports.keys()) {
    const cycle = walk(file, [])
    if (cycle) return cycle
  }
  return undefined
}
