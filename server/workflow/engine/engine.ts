import type { Database } from '../../kernel/db.ts'
import { RunStopped, type NodeFailure } from '../run-node.ts'
import { compileWorkflow, type CompiledWorkflow } from './compile.ts'
import { leaveOutRunTrees } from './run-trees.ts'
import { RunSaver } from './saver.ts'
import { SCOPE, type EngineScope } from './scope.ts'

/** How a graph came to its end. */
export interface GraphEnd {
  status: 'finished' | 'failed' | 'stopped'
  /** Outputs by node name. */
  out: Readonly<Record<string, unknown>>
  failure: NodeFailure | undefined
}

/** LangGraph behind one door: nothing outside this folder knows it. */
export interface Engine {
  compile(definition: unknown): CompiledWorkflow
  run(workflow: CompiledWorkflow, scope: EngineScope): Promise<GraphEnd>
}

leaveOutRunTrees()

export function createEngine(db: Database): Engine {
  const saver = new RunSaver(db)
  return {
    compile: (definition) => compileWorkflow(definition, saver),
    async run({ plan, graph, durability }, scope) {
      const config = {
        configurable: { thread_id: scope.thread_id, [SCOPE]: scope },
        durability,
        // Supersteps: at most one a node in a tree, and some slack for LangGraph's own.
        recursionLimit: plan.nodes.size + 5,
      }
      try {
        const kept = scope.fence.attempt > 1 ? await graph.getState(config) : undefined
        const resumes = kept?.config.configurable?.['checkpoint_id'] !== undefined
        const isOver = resumes && kept.next.length === 0
        const { out, failure } = isOver ? kept.values : await graph.invoke(resumes ? null : { out: {} }, config)
        return { status: failure ? 'failed' : 'finished', out, failure: failure ?? undefined }
      } catch (error) {
        if (error instanceof RunStopped || scope.signal.aborted)
          return { status: 'stopped', out: {}, failure: undefined }
        throw error
      }
    },
  }
}
