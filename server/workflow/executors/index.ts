import type { NodeTypeName } from '../../../shared/workflow/nodes/index.ts'
import { condition } from './condition.ts'
import { end } from './end.ts'
import type { Executor } from './executor.ts'
import { llm } from './llm.ts'
import { start } from './start.ts'
import { template } from './template.ts'

/** An executor for every type of node. */
export const EXECUTORS = { start, llm, template, condition, end } as const satisfies Record<NodeTypeName, Executor>
