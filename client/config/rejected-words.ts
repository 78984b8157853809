/** What a refused change was about, as a key under `config.change`, and the person's own text in it, if any. */
export function describeChange(name: string, args: Record<string, unknown>): { key: string; text: string } {
  const key = name.replaceAll('.', '-')
  for (const field of ['content', 'title', 'name', 'text']) {
    const value = args[field]
    if (typeof value === 'string' && value !== '') return { key, text: value }
  }
  for (const nested of ['set', 'fields']) {
    const inner = args[nested]
    if (typeof inner !== 'object' || inner === null) continue
    const found = describeChange(name, Object.fromEntries(Object.entries(inner)))
    if (found.text) return found
  }
  return { key, text: '' }
}
