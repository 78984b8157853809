import { jsonMark, sameJson } from '../../kernel/same-json.ts'
import { promptOnlyWorkflow } from '../../workflow/graph.ts'
import { keyWorkflow, targetsOf, unkeyWorkflow, type KeyedWorkflow } from './keyed-workflow.ts'
import { adopt, conflict, decide, merge3, mergeTrees, newMerge, own, type Merge } from './merge3.ts'
import { isTree, pathText, type Tree } from './tree.ts'

export const WORKFLOW = 'workflow_definition'
/** Beyond this many, people are asked about the whole workflow instead. */
const MOST_CONFLICTS = 20

/** Three versions of a workflow. */
export interface Versions<T> {
  base: T
  mine: T
  theirs: T
}

/** What a conflict about a whole node holds of a side: the node, if it has it, and the edges that go with that. */
export interface NodeSide {
  node: unknown
  /** Edges by the node that they leave: of the node itself, and of those that lead or led to it. */
  ways: Record<string, unknown>
}

/**
 * Merges workflows: nodes by name and in them key by key, edges by the node that they leave. What one side deleted and
 * the other used is asked about, never guessed. A node stands where it was moved last (`movedLater`).
 */
export function mergeWorkflow(
  merge: Merge,
  { base, mine, theirs }: Versions<unknown>,
  movedLater: (node: string) => boolean,
): unknown {
  const decided = decide(merge, WORKFLOW, base, mine, theirs)
  if (decided) return decided.value
  const keyed = allKeyed({ base: base ?? promptOnlyWorkflow(), mine, theirs })
  if (!keyed) return conflict(merge, WORKFLOW, base, mine, theirs)
  const trial = newMerge(merge.openAt)
  const merged = mergeKeyed(trial, keyed, movedLater)
  if (trial.conflicts.length > MOST_CONFLICTS) return conflict(merge, WORKFLOW, base, mine, theirs)
  adopt(merge, trial)
  return unkeyWorkflow(merged)
}

function allKeyed({ base, mine, theirs }: Versions<unknown>): Versions<KeyedWorkflow> | undefined {
  const [b, m, t] = [keyWorkflow(base), keyWorkflow(mine), keyWorkflow(theirs)]
  return b && m && t && { base: b, mine: m, theirs: t }
}

function mergeKeyed(merge: Merge, all: Versions<KeyedWorkflow>, movedLater: (node: string) => boolean): KeyedWorkflow {
  const { base, mine, theirs } = all
  const names = nodeOrder(theirs, mine)
  const contested = new Set(
    [...names, ...Object.keys(base.nodes)].filter((name) => isContested(all, name) || isOpen(merge, all, name)),
  )
  /** Groups of edges that are asked about with a node. */
  const taken = new Set<string>()
  for (const name of contested) contest(merge, all, name, taken)

  const nodes = names.map((name): [string, unknown] => [
    name,
    contested.has(name)
      ? own(theirs.nodes, name)
      : merge3(merge, [WORKFLOW, 'nodes', name], own(base.nodes, name), own(mine.nodes, name), own(theirs.nodes, name)),
  ])
  const kept = nodes.filter(([, node]) => node !== undefined)
  const froms = [...new Set([...Object.keys(theirs.edges), ...Object.keys(mine.edges)])]
  const edges = froms.map((from): [string, Tree] => [
    from,
    taken.has(from) ? (theirs.edges[from] ?? {}) : mergeWays(merge, all, from),
  ])
  return {
    meta: mergeTrees(merge, [WORKFLOW, 'meta'], base.meta, mine.meta, theirs.meta),
    nodes: Object.fromEntries(kept),
    edges: Object.fromEntries(edges),
    positions: Object.fromEntries(
      kept.flatMap(([name]): [string, unknown][] => {
        const position = positionOf(all, name, movedLater)
        return position === undefined ? [] : [[name, position]]
      }),
    ),
  }
}

/** Theirs, with each new node of mine after the one that it follows there. */
function nodeOrder(theirs: KeyedWorkflow, mine: KeyedWorkflow): string[] {
  const order = Object.keys(theirs.nodes)
  let before = -1
  for (const name of Object.keys(mine.nodes)) {
    const known = order.indexOf(name)
    if (known < 0) order.splice(before + 1, 0, name)
    before = known < 0 ? before + 1 : known
  }
  return order
}

/** Whether the node as a whole is in question: gone here and used there, or made twice under one name, or of another type. */
function isContested(all: Versions<KeyedWorkflow>, name: string): boolean {
  const { base, mine, theirs } = all
  const [b, m, t] = [own(base.nodes, name), own(mine.nodes, name), own(theirs.nodes, name)]
  if (b === undefined) {
    const same = sameJson(m, t) && sameJson(mine.edges[name], theirs.edges[name])
    return m !== undefined && t !== undefined && !same
  }
  if (m === undefined) return t !== undefined && isUsed(base, theirs, name)
  if (t === undefined) return isUsed(base, mine, name)
  const retyped = [m, t].some((node) => typeOf(node) !== typeOf(b))
  return retyped && !sameJson(b, m) && !sameJson(b, t) && !sameJson(m, t)
}

/** Whether this side goes on with a node that is asked about already. */
function isOpen(merge: Merge, { base, mine, theirs }: Versions<KeyedWorkflow>, name: string): boolean {
  const [b, m, t] = [own(base.nodes, name), own(mine.nodes, name), own(theirs.nodes, name)]
  if (sameJson(b, m) || sameJson(m, t) || sameJson(b, t)) return false
  return merge.openAt(pathText([WORKFLOW, 'nodes', name]), b) !== undefined
}

const typeOf = (node: unknown) => (isTree(node) ? node['node_type'] : undefined)

/** Whether a side did anything with a node since the base. */
function isUsed(base: KeyedWorkflow, side: KeyedWorkflow, name: string): boolean {
  if (!sameJson(base.nodes[name], side.nodes[name]) || !sameJson(base.edges[name], side.edges[name])) return true
  return Object.entries(side.edges).some(
    ([from, group]) => targetsOf(group).includes(name) && !targetsOf(base.edges[from]).includes(name),
  )
}

function contest(merge: Merge, all: Versions<KeyedWorkflow>, name: string, taken: Set<string>): void {
  const { base, mine, theirs } = all
  const path = pathText([WORKFLOW, 'nodes', name])
  const froms = new Set([base, mine, theirs].flatMap(({ edges }) => Object.keys(edges)))
  const ways = [...froms].filter(
    (from) =>
      !taken.has(from) &&
      !sameJson(mine.edges[from], theirs.edges[from]) &&
      (from === name || [base, mine, theirs].some(({ edges }) => targetsOf(edges[from]).includes(name))),
  )
  for (const from of ways) taken.add(from)
  const mark = jsonMark(own(mine.nodes, name))
  const side = nodeSide(mine, name, ways)
  const open = merge.openAt(path, own(base.nodes, name))
  if (open !== undefined) merge.continued.set(open, { mine: side, mark })
  else {
    merge.conflicts.push({
      path,
      base: nodeSide(base, name, ways),
      mine: side,
      theirs: nodeSide(theirs, name, ways),
      mark,
    })
  }
}

export function nodeSide(workflow: KeyedWorkflow, name: string, ways: readonly string[]): NodeSide {
  return {
    node: own(workflow.nodes, name) ?? null,
    ways: Object.fromEntries(ways.map((from) => [from, workflow.edges[from] ?? {}])),
  }
}

/** The ways out of a node. Ways that both sides added stand side by side; a way that one side took away is asked about. */
function mergeWays(merge: Merge, { base, mine, theirs }: Versions<KeyedWorkflow>, from: string): Tree {
  const path = pathText([WORKFLOW, 'edges', from])
  const [b, m, t] = [base.edges[from], mine.edges[from] ?? {}, theirs.edges[from] ?? {}]
  const decided = decide(merge, path, b ?? {}, m, t)
  if (decided) return isTree(decided.value) ? decided.value : {}
  const added = Object.keys(b ?? {}).every((way) => Object.hasOwn(m, way) && Object.hasOwn(t, way))
  if (b && added) {
    // An edge is small: people are asked about the ways out of the node, not about a field of one of them.
    const trial = newMerge()
    const merged = mergeTrees(trial, [WORKFLOW, 'edges', from], b, m, t)
    if (trial.conflicts.length === 0) return merged
  }
  conflict(merge, path, b, m, t)
  return t
}

function positionOf(
  { base, mine, theirs }: Versions<KeyedWorkflow>,
  name: string,
  movedLater: (node: string) => boolean,
): unknown {
  const [b, m, t] = [own(base.positions, name), own(mine.positions, name), own(theirs.positions, name)]
  if (sameJson(b, m)) return t
  if (sameJson(b, t)) return m
  return movedLater(name) ? (m ?? t) : (t ?? m)
}

/** Nodes that a side moved, or placed anew. */
export function movedNodes(base: unknown, mine: unknown): string[] {
  const [b, m] = [keyWorkflow(base), keyWorkflow(mine)]
  if (!b || !m) return []
  return Object.keys(m.positions).filter((name) => !sameJson(own(b.positions, name), m.positions[name]))
}
