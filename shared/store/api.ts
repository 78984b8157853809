import { Type, type Static } from 'typebox'
import { agentInstallRow, listing, manifest } from '../agent/rows.ts'
import { endpoint } from '../kernel/endpoint.ts'
import { nothing, nullable, oneOf, time, uuid } from '../kernel/shapes.ts'

export const category = Type.Object({
  id: uuid,
  parent_id: nullable(uuid),
  slug: Type.String(),
  name: Type.String(),
  name_en: Type.String(),
  /** Published agents in it and below. */
  agents: Type.Integer(),
})
export type Category = Static<typeof category>

export const listCategories = endpoint({
  id: 'store.categories',
  method: 'GET',
  path: '/api/store/categories',
  access: 'store:read',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({ categories: Type.Array(category) }),
})

/** A published agent as everybody may see it: no prompt, no definition. */
export const storeAgent = Type.Object({
  id: uuid,
  slug: Type.String(),
  name: Type.String(),
  description: Type.String(),
  icon: nullable(Type.String()),
  listing,
  category_id: nullable(uuid),
  tags: Type.Array(Type.String()),
  developer_name: Type.String(),
  version: Type.String(),
  version_id: uuid,
  download_count: Type.Integer(),
  average_rating: nullable(Type.Number()),
  rating_count: Type.Integer(),
  published_at: time,
  installed: Type.Boolean(),
})
export type StoreAgent = Static<typeof storeAgent>

export const searchStore = endpoint({
  id: 'store.search',
  method: 'GET',
  path: '/api/store/agents',
  access: 'store:read',
  params: nothing,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 200 })),
    category: Type.Optional(uuid),
    sort: Type.Optional(oneOf(['popular', 'rating', 'new'])),
    /** Rows to skip; pages hold 24. */
    offset: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
  }),
  body: nothing,
  reply: Type.Object({ agents: Type.Array(storeAgent), total: Type.Integer() }),
})

export const rating = Type.Object({
  user_name: Type.String(),
  score: Type.Integer(),
  comment: nullable(Type.String()),
  updated_at: time,
  own: Type.Boolean(),
})

export const getStoreAgent = endpoint({
  id: 'store.get',
  method: 'GET',
  path: '/api/store/agents/:slug',
  access: 'store:read',
  params: Type.Object({ slug: Type.String({ maxLength: 100 }) }),
  query: nothing,
  body: nothing,
  reply: Type.Object({
    agent: storeAgent,
    manifest,
    changelog: nullable(Type.String()),
    versions: Type.Array(
      Type.Object({ version: Type.String(), changelog: nullable(Type.String()), published_at: time }),
    ),
    ratings: Type.Array(rating),
    /** Counts of 1 to 5 stars. */
    histogram: Type.Array(Type.Integer(), { minItems: 5, maxItems: 5 }),
    /** Whether this person has used it, and so may rate it, unless it is their own. */
    used: Type.Boolean(),
    own: Type.Boolean(),
  }),
})

/** Installs the current version, or moves an install to it. The row also reaches the replica by its shape. */
export const installAgent = endpoint({
  id: 'store.install',
  method: 'POST',
  path: '/api/store/agents/:agent_id/install',
  access: 'store:install',
  params: Type.Object({ agent_id: uuid }),
  query: nothing,
  body: nothing,
  reply: Type.Object({ install: agentInstallRow }),
})

/** One rating a person and agent, after use; writing again replaces it. */
export const rateAgent = endpoint({
  id: 'store.rate',
  method: 'PUT',
  path: '/api/store/agents/:agent_id/rating',
  access: 'store:rate',
  params: Type.Object({ agent_id: uuid }),
  query: nothing,
  body: Type.Object({
    score: Type.Integer({ minimum: 1, maximum: 5 }),
    comment: Type.Optional(Type.String({ maxLength: 2000 })),
  }),
  reply: Type.Object({ average_rating: nullable(Type.Number()), rating_count: Type.Integer() }),
})

export const storeEndpoints = [listCategories, searchStore, getStoreAgent, installAgent, rateAgent]
