import { isNodeSide, nodeOfPath } from '../../shared/agent/merge/draft-place.ts'
import { targetsOf } from '../../shared/agent/merge/keyed-workflow.ts'
import { WORKFLOW } from '../../shared/agent/merge/merge-workflow.ts'
import { isTree, pathNames } from '../../shared/agent/merge/tree.ts'
import type { DraftConflictRow } from '../../shared/agent/rows.ts'
import type { WorkflowDefinition, WorkflowNode } from '../../shared/workflow/graph.ts'
import { insertAfter, plainEdge } from '../workflow/edit/insert-step.ts'
import { freeName } from '../workflow/edit/names.ts'
import { findNode, linksFrom, linksTo } from '../workflow/links.ts'

type Asked = Pick<DraftConflictRow, 'path' | 'base' | 'mine'>

/**
 * The workflow with the new steps of both sides, one after the other, where each side had put some in the same place or
 * under the same name. Undefined where that is not what happened.
 */
export function keepBoth(definition: WorkflowDefinition, asked: Asked): WorkflowDefinition | undefined {
  const [field, part, from] = pathNames(asked.path)
  if (field !== WORKFLOW) return undefined
  if (nodeOfPath(asked.path) !== undefined) return withNode(definition, asked)
  return part === 'edges' && from !== undefined ? withSteps(definition, asked, from) : undefined
}

/** A second step of the same name, under a free one. */
function withNode(definition: WorkflowDefinition, { path, base, mine }: Asked): WorkflowDefinition | undefined {
  const name = nodeOfPath(path) ?? ''
  if (!isNodeSide(base) || base.node !== null || !isNodeSide(mine) || !isNode(mine.node)) return undefined
  const before = Object.keys(mine.ways).find((from) => from !== name && targetsOf(mine.ways[from]).includes(name))
  const start = definition.nodes.find(({ node_type }) => node_type === 'start')?.node_name
  const after = [before, start].find((each) => each !== undefined && findNode(definition, each) !== undefined)
  if (after === undefined) return undefined
  const node = { ...mine.node, node_name: freeName(definition, name) }
  return insertAfter(definition, after, node, mine.node.node_type === 'end')
}

/** The loose row of steps that this side had put behind `from`: it comes before what stands there now. */
function withSteps(
  definition: WorkflowDefinition,
  { base, mine }: Asked,
  from: string,
): WorkflowDefinition | undefined {
  const known = targetsOf(base)
  const [head, ...others] = targetsOf(mine).filter((name) => !known.includes(name))
  if (head === undefined || others.length > 0 || !findNode(definition, head)) return undefined
  if (linksTo(definition, head).length > 0) return undefined
  const tail = tailOf(definition, head)
  if (tail === undefined) return undefined
  const edges = definition.edges
    .filter((edge) => edge.from_node !== tail)
    .map((edge) => (edge.from_node === from ? { ...edge, from_node: tail } : edge))
  return { ...definition, edges: [...edges, plainEdge(from, head)] }
}

/** The last step of a row that begins at `head` and joins what others lead to as well. */
function tailOf(definition: WorkflowDefinition, head: string): string | undefined {
  for (let at = head, steps = 0; steps < definition.nodes.length; steps++) {
    const [link, ...others] = linksFrom(definition, at)
    if (others.length > 0 || (link && link.key !== null)) return undefined
    if (!link || linksTo(definition, link.to).length > 1) return at
    at = link.to
  }
  return undefined
}

function isNode(value: unknown): value is WorkflowNode {
  return isTree(value) && typeof value['node_type'] === 'string' && isTree(value['node_config'])
}
