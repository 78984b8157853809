import { listing as listingSchema, type Manifest } from '../../shared/agent/rows.ts'
import { searchTerms } from '../../shared/kernel/search-text.ts'
import type { Queryable } from '../kernel/db.ts'
import { compose } from '../kernel/statement.ts'
import { issueOf } from '../kernel/validate.ts'
import { listedPart, type StoreListing } from './agent.repository.ts'
import { currentPart, stepBackCurrent } from './version.repository.ts'

/** A listing of any length is found by this many words. */
const MOST_TERMS = 5000

/**
 * Makes an approved version current and shows the listing it was reviewed with. The old current version steps back in
 * a statement of its own, because the unique index is checked row by row.
 */
export async function publish(tx: Queryable, agent_id: string, version_id: string, manifest: Manifest): Promise<void> {
  await stepBackCurrent(tx, agent_id)
  await tx.query(compose([currentPart(version_id), listedPart(agent_id, storeListing(manifest))], 'select 1'))
}

function storeListing({ name, description, icon, category_id, tags = [], ...manifest }: Manifest): StoreListing {
  const listing = manifest.listing && !issueOf(listingSchema, manifest.listing) ? manifest.listing : {}
  const translated = [listing.zh, listing.en].flatMap((text) => [text?.name, text?.tagline, text?.description])
  const words = [name, description, ...tags, ...translated].filter(Boolean).join(' ')
  return { name, description, icon, category_id, tags, listing, terms: searchTerms(words).slice(0, MOST_TERMS) }
}
