import { toValue, type MaybeRefOrGetter } from 'vue'
import { isNodeSide } from '../../shared/agent/merge/draft-place.ts'
import { keyWorkflow, targetsOf } from '../../shared/agent/merge/keyed-workflow.ts'
import { isTree, pathNames } from '../../shared/agent/merge/tree.ts'
import { useI18n } from '../ui/i18n.ts'
import { stepTitle } from '../workflow/node-words.ts'

/** Words for the places of a draft, and for what stands there. */
export function useConflictWords(workflow: MaybeRefOrGetter<unknown>) {
  const { t, te, locale } = useI18n()

  function step(name: string, node: unknown = keyWorkflow(toValue(workflow))?.nodes[name]): string {
    if (!isTree(node) || typeof node['node_type'] !== 'string') return name
    const label = typeof node['label'] === 'string' ? { label: node['label'] } : {}
    const title = stepTitle({ node_type: node['node_type'], ...label }, locale.value)
    return title === name ? name : `${title} ${name}`
  }

  /** Where a conflict is, from the whole to the part. */
  function place(path: string, mine: unknown): string[] {
    const [field = '', ...names] = pathNames(path)
    switch (field) {
      case 'listing':
        return [t('agent.tab.listing'), ...names.map((name, depth) => listingWord(name, depth))]
      case 'model_params':
        return [t('agent.section.model'), ...names.map(fieldWord)]
      case 'workflow_definition':
        return [t('agent.tab.flow'), ...workflowPlace(names, mine)]
      default:
        return [fieldWord(field === 'category_id' ? 'category' : field), ...names]
    }
  }

  function listingWord(name: string, depth: number): string {
    if (depth === 0) return t(`agent.language.${name}`)
    return fieldWord(name === 'name' || name === 'description' ? `listing-${name}` : name)
  }

  const fieldWord = (name: string) => (te(`agent.field.${name}`) ? t(`agent.field.${name}`) : name)

  function workflowPlace([part, name, ...rest]: string[], mine: unknown): string[] {
    if (name === undefined) return []
    if (part === 'edges') return [t('agent.conflict.ways', { step: step(name) })]
    const node = isNodeSide(mine) && mine.node !== null ? mine.node : undefined
    const keys = rest.filter((key) => key !== 'node_config')
    return [step(name, node), ...keys.map((key) => (te(`workflow.field.${key}`) ? t(`workflow.field.${key}`) : key))]
  }

  /** A value as people read it; empty when there is none. */
  function words(value: unknown, path: string): string {
    if (value === null || value === undefined) return ''
    if (typeof value === 'string') return value
    if (isNodeSide(value)) return value.node === null ? '' : nodeWords(value.node)
    if (pathNames(path)[1] === 'edges')
      return targetsOf(value)
        .map((name) => `→ ${step(name)}`)
        .join('\n')
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join('\n')
    return typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)
  }

  function nodeWords(node: unknown): string {
    if (!isTree(node)) return ''
    const config = isTree(node['node_config']) ? Object.entries(node['node_config']) : []
    const lines = config.map(([key, value]) => {
      const label = te(`workflow.field.${key}`) ? t(`workflow.field.${key}`) : key
      return `${label}: ${typeof value === 'string' ? value : JSON.stringify(value)}`
    })
    return [step(String(node['node_name']), node), ...lines].join('\n')
  }

  return { place, words }
}
