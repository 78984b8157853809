import type { Listing } from '../../shared/agent/rows.ts'

export interface ListingText {
  name: string
  tagline: string
  description: string
  starters: string[]
}

/** Words of an agent in the person's language; what is missing falls back to the other language, then to the row. */
export function listingText(
  agent: { name: string; description?: string | null; listing?: Listing | undefined },
  locale: string,
): ListingText {
  const own = (locale.startsWith('zh') ? agent.listing?.zh : agent.listing?.en) ?? {}
  const other = (locale.startsWith('zh') ? agent.listing?.en : agent.listing?.zh) ?? {}
  const starters = (own.starters ?? []).filter(filled)
  return {
    name: pick(own.name, other.name, agent.name),
    tagline: pick(own.tagline, other.tagline),
    description: pick(own.description, other.description, agent.description),
    starters: starters.length > 0 ? starters : (other.starters ?? []).filter(filled),
  }
}

function pick(...texts: (string | null | undefined)[]): string {
  return texts.find((text) => text !== undefined && text !== null && filled(text)) ?? ''
}

function filled(text: string): boolean {
  return text.trim() !== ''
}
