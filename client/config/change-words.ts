import { t, hasMessage } from '../app/i18n.ts'

/** A change as the outbox keeps it. */
export interface Change {
  name: string
  args: Record<string, unknown>
}

/** What a change was about, as a key under `config.change`, and the person's own text in it, if any. */
export function describeChange(name: string, args: Record<string, unknown>): { key: string; text: string } {
  const key = name.replaceAll('.', '-')
  for (const field of ['content', 'title', 'name', 'text']) {
    const value = args[field]
    if (typeof value === 'string' && value !== '') return { key, text: value }
  }
  for (const nested of ['set', 'fields', 'chat']) {
    const inner = args[nested]
    if (typeof inner !== 'object' || inner === null) continue
    const found = describeChange(name, Object.fromEntries(Object.entries(inner)))
    if (found.text) return found
  }
  return { key, text: '' }
}

/** Ids of the things that a change may be about, the nearest first. */
export function subjectsOf(args: Record<string, unknown>): string[] {
  return ['chat_id', 'id', 'agent_id', 'draft_id'].flatMap((field) => {
    const value = args[field]
    return typeof value === 'string' ? [value] : []
  })
}

/** A change in a line: what kind it is, its words or else the thing that it is about. `names`: things by id. */
export function changeTitle({ name, args }: Change, names: ReadonlyMap<string, string> = new Map()): string {
  const { key, text } = describeChange(name, args)
  const kind = hasMessage(`config.change.${key}`) ? t(`config.change.${key}`) : t('config.change.other')
  const about = text || subjectsOf(args).flatMap((id) => names.get(id) ?? [])[0]
  return about ? t('config.change.about', { kind, text: shorten(about) }) : kind
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
