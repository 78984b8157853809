import type { Static, TObject } from 'typebox'
import { userError } from '../../../shared/kernel/errors.ts'
import { nodeConfig } from '../../../shared/workflow/node-config.ts'
import type { NodeType } from '../../../shared/workflow/nodes/index.ts'
import type { PlannedNode } from '../../../shared/workflow/plan.ts'

/** A node's settings, or `workflow/invalid`. */
export function preparedConfig<C extends TObject>(type: NodeType<C>, planned: PlannedNode): Static<C> {
  const config = nodeConfig(type, planned.node)
  if (config === undefined) throw userError('workflow/invalid', { node: planned.name })
  return config
}
