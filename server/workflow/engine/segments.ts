import type { PlannedNode, WorkflowPlan } from '../../../shared/workflow/plan.ts'
import type { Durability } from './scope.ts'

/** Nodes that run one after the other without a choice or a checkpoint between them: one step of LangGraph. */
export type Segment = readonly [PlannedNode, ...PlannedNode[]]

/**
 * Cuts a plan into its segments. Every step of LangGraph costs as much as all of our own work on a node, and between two
 * nodes of a segment nothing is kept anyway. A segment ends where the graph branches, and in an `async` run after each
 * node that was paid for: what follows it must not make it run again.
 */
export function segmentsOf({ start, nodes }: WorkflowPlan, durability: Durability): Segment[] {
  const segments: Segment[] = []
  const heads = [start]
  for (let name = heads.pop(); name !== undefined; name = heads.pop()) {
    const head = nodes.get(name)
    if (!head) throw new Error(`no node ${name}`)
    const segment = segmentFrom(head, nodes, durability)
    segments.push(segment)
    heads.push(...targetsOf(lastOf(segment)))
  }
  return segments
}

export function lastOf(segment: Segment): PlannedNode {
  return segment.at(-1) ?? segment[0]
}

/** Every node that may come right after `node`, once each. */
export function targetsOf({ next, choices }: PlannedNode): string[] {
  return [...new Set([...next, ...choices.flatMap(({ mapping }) => Object.values(mapping))])]
}

function segmentFrom(head: PlannedNode, nodes: WorkflowPlan['nodes'], durability: Durability): Segment {
  const segment: [PlannedNode, ...PlannedNode[]] = [head]
  for (let at = follower(head, nodes, durability); at; at = follower(at, nodes, durability)) segment.push(at)
  return segment
}

function follower(node: PlannedNode, nodes: WorkflowPlan['nodes'], durability: Durability): PlannedNode | undefined {
  const [only, ...others] = node.next
  if (only === undefined || others.length > 0 || node.choices.length > 0) return undefined
  if (durability === 'async' && node.type === 'llm') return undefined
  return nodes.get(only)
}
