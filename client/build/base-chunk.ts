import type { Rolldown } from 'vite'

type ChunkName = Rolldown.CodeSplittingNameFunction

/** Parts that arrive at their first use: whoever needs them must stay out of what every page loads. */
const late = /node_modules[\\/]reka-ui[\\/]/

/** Puts a module into `base`, unless it leads to a part that arrives late. */
export const baseChunk: ChunkName = (id, graph) => {
  const reached = new Set([id])
  for (const module of reached) {
    if (late.test(module)) return null
    if (module.includes('node_modules')) continue
    for (const imported of graph.getModuleInfo(module)?.importedIds ?? []) reached.add(imported)
  }
  return 'base'
}
