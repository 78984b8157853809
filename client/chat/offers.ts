import { installAgent, searchStore, type StoreAgent } from '../../shared/store/api.ts'
import { call } from '../app/call.ts'

/** What the store offers to somebody who has no agent yet, the most used first. Throws as `call` does. */
export async function fetchOffers(): Promise<StoreAgent[]> {
  const { agents } = await call(searchStore, { query: { sort: 'popular' } })
  return agents.slice(0, 4)
}

/** Keeps an offered agent among the person's own. Throws as `call` does. */
export async function acceptOffer(agent_id: string): Promise<void> {
  await call(installAgent, { params: { agent_id } })
}
