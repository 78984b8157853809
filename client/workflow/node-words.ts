import {
  Braces,
  CircleDot,
  CircleStop,
  Code,
  FileText,
  Globe,
  Hand,
  Library,
  Plug,
  Sparkles,
  Split,
  SquareFunction,
} from 'lucide-vue-next'
import type { Component } from 'vue'
import type { WorkflowNode } from '../../shared/workflow/graph.ts'
import { isNodeTypeName, NODE_TYPES, type NodeTypeName } from '../../shared/workflow/nodes/index.ts'

/** What a kind of step is called; a kind that this version does not know keeps its technical name. */
export function typeTitle(type: string, locale: string): string {
  if (!isNodeTypeName(type)) return type
  const { display_name } = NODE_TYPES[type]
  return locale.startsWith('zh') ? display_name.zh : display_name.en
}

export function typeDescription(type: string, locale: string): string {
  if (!isNodeTypeName(type)) return ''
  const { description } = NODE_TYPES[type]
  return locale.startsWith('zh') ? description.zh : description.en
}

/** What a step is called in lists. */
export function stepTitle(node: Pick<WorkflowNode, 'node_type' | 'label'>, locale: string): string {
  return node.label?.trim() || typeTitle(node.node_type, locale)
}

const icons: Record<string, Component> = {
  start: CircleDot,
  end: CircleStop,
  llm: Sparkles,
  template: FileText,
  condition: Split,
  code: Code,
  http: Globe,
  human: Hand,
  tool: Plug,
  rag: Library,
  json: Braces,
}

export function typeIcon(type: string): Component {
  return Object.entries(icons).find(([part]) => type === part || type.startsWith(`${part}_`))?.[1] ?? SquareFunction
}

/** Kinds that may be put into a workflow, found by any of their words. */
export function searchTypes(text: string): NodeTypeName[] {
  const wanted = text.trim().toLowerCase()
  return Object.keys(NODE_TYPES)
    .filter(isNodeTypeName)
    .filter((name) => NODE_TYPES[name].ports.in > 0)
    .filter((name) => {
      const type = NODE_TYPES[name]
      const words = [
        type.type_name,
        ...Object.values(type.display_name),
        ...Object.values(type.description),
        ...type.tags,
      ]
      return words.join(' ').toLowerCase().includes(wanted)
    })
}
