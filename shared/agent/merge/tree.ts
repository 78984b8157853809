/** JSON as a tree of named places. A place that is absent is `undefined`. */
export type Tree = Record<string, unknown>

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Names of a place from the top down as one text (RFC 6901 without its leading slash). */
export function pathText(names: readonly string[]): string {
  return names.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
}

export function pathNames(path: string): string[] {
  return path.split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function valueAt(tree: unknown, names: readonly string[]): unknown {
  let value = tree
  for (const name of names) {
    if (!isTree(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** The tree with another value at that place; undefined takes the place away. Places on the way are made. */
export function withValueAt(tree: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const old = isTree(tree) ? tree : {}
  const next = withValueAt(Object.hasOwn(old, name) ? old[name] : undefined, rest, value)
  const entries = Object.entries(old).filter(([key]) => key !== name || next !== undefined)
  // Object.entries and fromEntries keep even a place named __proto__ an ordinary one.
  const known = entries.some(([key]) => key === name)
  const changed = entries.map(([key, item]): [string, unknown] => [key, key === name ? next : item])
  return Object.fromEntries(known || next === undefined ? changed : [...changed, [name, next]])
}
