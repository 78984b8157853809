import { conditionNode } from './condition.ts'
import { endNode } from './end.ts'
import { llmNode } from './llm.ts'
import type { NodeType } from './node-type.ts'
import { startNode } from './start.ts'
import { templateNode } from './template.ts'

export type { NodeConfig, NodeOutput, NodeType } from './node-type.ts'

/** Every kind of node, in the order of the palette. */
export const NODE_TYPES = {
  start: startNode,
  llm: llmNode,
  template: templateNode,
  condition: conditionNode,
  end: endNode,
} as const satisfies Record<string, NodeType>

export type NodeTypeName = keyof typeof NODE_TYPES

export function isNodeTypeName(name: string): name is NodeTypeName {
  return Object.hasOwn(NODE_TYPES, name)
}

/** A row of `node_types`, as the seed inserts it. */
export interface NodeTypeRow {
  id: string
  type_name: string
  display_name: string
  description: string
  input_schema: unknown
  output_schema: unknown
  required_services: string[]
  default_config: unknown
  category: string
  tags: string[]
}

/** The rows of `node_types`; ids are the same everywhere. */
export function nodeTypeRows(): NodeTypeRow[] {
  return Object.values(NODE_TYPES).map((type) => ({
    id: type.id,
    type_name: type.type_name,
    display_name: type.display_name.zh,
    description: type.description.zh,
    input_schema: type.input_schema,
    output_schema: type.output_schema,
    required_services: [...type.required_services],
    default_config: type.default_config,
    category: type.category,
    tags: [...type.tags],
  }))
}
