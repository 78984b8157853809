import type { Rolldown } from 'vite'

type ChunkName = Rolldown.CodeSplittingNameFunction

/**
 * Whoever needs these must stay out of what every page loads: parts that arrive at their first use, and the modules,
 * which need the base themselves.
 */
const outside = /node_modules[\\/]reka-ui[\\/]|client[\\/]\w+[\\/]module\.ts$/

/** Puts a module into `base`, unless it leads to something that does not belong there. */
export const baseChunk: ChunkName = (id, graph) => {
  const reached = new Set([id])
  for (const module of reached) {
    if (outside.test(module)) return null
    if (module.includes('node_modules')) continue
    for (const imported of graph.getModuleInfo(module)?.importedIds ?? []) reached.add(imported)
  }
  return 'base'
}
