import type { Static, TObject } from 'typebox'
import { Value } from 'typebox/value'
import type { WorkflowNode } from './graph.ts'
import type { NodeType } from './nodes/index.ts'

/** A node's settings with the defaults of its kind under them; undefined when they break the kind's schema. */
export function nodeConfig<C extends TObject>(
  type: NodeType<C>,
  node: Pick<WorkflowNode, 'node_config'>,
): Static<C> | undefined {
  const config: unknown = { ...type.default_config, ...node.node_config }
  // Value.Check walks the schema: no generated code, so it runs under the browser's content policy.
  return Value.Check(type.config_schema, config) ? config : undefined
}
