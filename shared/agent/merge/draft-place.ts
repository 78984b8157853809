import { keyWorkflow, unkeyWorkflow } from './keyed-workflow.ts'
import { nodeSide, WORKFLOW, type NodeSide } from './merge-workflow.ts'
import { isTree, pathNames, valueAt, withValueAt, type Tree } from './tree.ts'

/** The field of a draft that a conflict is in. */
export function fieldOf(path: string): string {
  return pathNames(path)[0] ?? ''
}

/** The name of the node when a conflict is about a whole node. */
export function nodeOfPath(path: string): string | undefined {
  const [field, part, name, ...rest] = pathNames(path)
  return field === WORKFLOW && part === 'nodes' && rest.length === 0 ? name : undefined
}

/** What a draft says at a place; null when it says nothing. `like` tells which edges go with a whole node. */
export function draftAt(draft: Tree, path: string, like: unknown): unknown {
  const [field = '', ...names] = pathNames(path)
  if (field !== WORKFLOW || names.length === 0) return valueAt(draft, [field, ...names]) ?? null
  const keyed = keyWorkflow(draft[WORKFLOW])
  if (!keyed) return null
  const node = nodeOfPath(path)
  if (node === undefined) return valueAt(keyed, names) ?? null
  return nodeSide(keyed, node, isNodeSide(like) ? Object.keys(like.ways) : [])
}

/** A field with another value at a place in it. Null takes away what is optional there. */
export function withDraftAt(value: unknown, path: string, next: unknown): unknown {
  const [field, ...names] = pathNames(path)
  if (names.length === 0) return next
  if (field !== WORKFLOW) return withValueAt(value, names, next ?? undefined)
  const keyed = keyWorkflow(value)
  if (!keyed) return value
  const node = nodeOfPath(path)
  const changed =
    node !== undefined && isNodeSide(next)
      ? Object.entries(next.ways).reduce<unknown>(
          (tree, [from, ways]) => withValueAt(tree, ['edges', from], ways),
          withValueAt(keyed, ['nodes', node], next.node ?? undefined),
        )
      : withValueAt(keyed, names, next ?? undefined)
  // withValueAt keeps what it was given everywhere but at the named place
  return unkeyWorkflow(changed as typeof keyed)
}

export function isNodeSide(value: unknown): value is NodeSide {
  return isTree(value) && Object.hasOwn(value, 'node') && isTree(value['ways'])
}
