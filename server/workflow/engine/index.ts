export { checkpointParts } from './checkpoint.repository.ts'
export type { CompiledWorkflow } from './compile.ts'
export { createEngine, type Engine, type GraphEnd } from './engine.ts'
export type { CheckpointWrite, Durability, EngineScope, Fence } from './scope.ts'
