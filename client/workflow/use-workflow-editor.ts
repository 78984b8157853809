import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import type { WorkflowDefinition, WorkflowNode } from '../../shared/workflow/graph.ts'
import { NODE_TYPES, type NodeTypeName } from '../../shared/workflow/nodes/index.ts'
import { validateWorkflow, type WorkflowIssue } from '../../shared/workflow/validate.ts'
import { addBranch, changeWays } from './edit/branches.ts'
import { insertAfter, insertAt } from './edit/insert-step.ts'
import { moveStep, type Direction } from './edit/move-step.ts'
import { freeName, renameStep } from './edit/names.ts'
import { removeStep } from './edit/remove-step.ts'
import { byCondition, waysOf } from './edit/ways.ts'
import { historyOf, record, redo, undo } from './history.ts'
import type { Slot } from './links.ts'
import { outlineOf, type Outline } from './outline.ts'
import { sameJson } from '../../shared/kernel/same-json.ts'

/** Where the palette's choice goes. */
export type Place = { after: string } | { slot: Slot }

export interface WorkflowEditor {
  definition: ComputedRef<WorkflowDefinition>
  outline: ComputedRef<Outline>
  issues: ComputedRef<WorkflowIssue[]>
  issuesOf: (name: string) => WorkflowIssue[]
  selected: ShallowRef<string | undefined>
  canUndo: ComputedRef<boolean>
  canRedo: ComputedRef<boolean>
  /** `label` joins edits of one field into one step of undo. */
  apply: (next: WorkflowDefinition, label?: string) => void
  undo: () => void
  redo: () => void
  insert: (place: Place, type: NodeTypeName) => void
  patch: (name: string, part: Partial<WorkflowNode>, label?: string) => void
  rename: (from: string, to: string) => void
  remove: (name: string) => void
  move: (name: string, direction: Direction) => void
  branch: (name: string) => void
}

/** Edits of one workflow with their history; `changed` hears of each new state. */
export function useWorkflowEditor(
  source: () => WorkflowDefinition,
  changed: (next: WorkflowDefinition) => void,
): WorkflowEditor {
  const history = shallowRef(historyOf(source()))
  const selected = shallowRef<string>()
  const definition = computed(() => history.value.present)
  const issues = computed(() => validateWorkflow(definition.value))

  // Another device's edit, or the whole thing pasted: history starts anew.
  watch(source, (next) => {
    if (!sameJson(next, definition.value)) history.value = historyOf(next)
  })
  watch(definition, ({ nodes }) => {
    if (!nodes.some((node) => node.node_name === selected.value)) selected.value = undefined
  })

  function travel(step: typeof undo<WorkflowDefinition>): void {
    const before = definition.value
    history.value = step(history.value)
    if (definition.value !== before) changed(definition.value)
  }

  function apply(next: WorkflowDefinition, label?: string): void {
    if (next === definition.value) return
    history.value = record(history.value, next, label)
    changed(next)
  }

  function insert(place: Place, type: NodeTypeName): void {
    const { default_config, ports } = NODE_TYPES[type]
    const node: WorkflowNode = {
      node_name: freeName(definition.value, type),
      node_type: type,
      node_config: structuredClone({ ...default_config }),
    }
    const ends = ports.out === 0
    const next =
      'after' in place
        ? insertAfter(definition.value, place.after, node, ends)
        : insertAt(definition.value, place.slot, node, ends)
    // A condition without ways of its own would choose nothing.
    const { node_name } = node
    apply(type === 'condition' ? changeWays(next, node_name, byCondition(waysOf(next, node_name))) : next)
    selected.value = node_name
  }

  function patch(name: string, part: Partial<WorkflowNode>, label?: string): void {
    const nodes = definition.value.nodes.map((node) => (node.node_name === name ? { ...node, ...part } : node))
    apply({ ...definition.value, nodes }, label)
  }

  return {
    definition,
    outline: computed(() => outlineOf(definition.value)),
    issues,
    issuesOf: (name) => issues.value.filter((issue) => nodeOf(issue, definition.value) === name),
    selected,
    canUndo: computed(() => history.value.past.length > 0),
    canRedo: computed(() => history.value.future.length > 0),
    apply,
    undo: () => travel(undo),
    redo: () => travel(redo),
    insert,
    patch,
    rename: (from, to) => {
      apply(renameStep(definition.value, from, to))
      selected.value = to
    },
    remove: (name) => apply(removeStep(definition.value, name)),
    move: (name, direction) => apply(moveStep(definition.value, name, direction)),
    branch: (name) => apply(addBranch(definition.value, name)),
  }
}

/** The step that an issue is shown beside: its own, or the one that its edge leaves. */
export function nodeOf(issue: WorkflowIssue, definition: WorkflowDefinition): string | undefined {
  if (issue.node_name !== undefined) return issue.node_name
  return issue.edge_index === undefined ? undefined : definition.edges[issue.edge_index]?.from_node
}
