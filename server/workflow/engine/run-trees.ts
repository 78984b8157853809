import { AsyncLocalStorageProviderSingleton as Provider } from '@langchain/core/singletons'

/**
 * LangChain builds a LangSmith run tree (ids, dates, environment) around every step, also when nothing traces: 5 % of
 * the CPU of a turn. Its own switch to leave that out is an argument that LangGraph never passes, so it is set here.
 */
export function leaveOutRunTrees(): void {
  const runWithConfig = Provider.runWithConfig.bind(Provider)
  Provider.runWithConfig = <T>(config: unknown, callback: () => T): T => {
    const run = runWithConfig<T>
    return run.call(Provider, config, callback, true)
  }
}
