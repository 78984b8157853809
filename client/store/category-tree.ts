import type { Category } from '../../shared/store/api.ts'

export interface CategoryNode extends Category {
  children: CategoryNode[]
}

/** Categories as a tree, in the order of the list; a category whose parent is missing stands at the top. */
export function categoryTree(categories: readonly Category[]): CategoryNode[] {
  const nodes = new Map<string, CategoryNode>(
    categories.map((category) => [category.id, { ...category, children: [] }]),
  )
  const top: CategoryNode[] = []
  for (const node of nodes.values()) {
    const parent = node.parent_id === null ? undefined : nodes.get(node.parent_id)
    if (parent && parent !== node) parent.children.push(node)
    else top.push(node)
  }
  return top
}

export function categoryName(category: Pick<Category, 'name' | 'name_en'>, locale: string): string {
  return locale.startsWith('zh') ? category.name : category.name_en || category.name
}

export interface CategoryOption {
  id: string
  label: string
  depth: number
}

/** The tree as indented lines, for a select. */
export function categoryOptions(nodes: readonly CategoryNode[], locale: string, depth = 0): CategoryOption[] {
  return nodes.flatMap((node) => [
    { id: node.id, label: categoryName(node, locale), depth },
    ...categoryOptions(node.children, locale, depth + 1),
  ])
}
