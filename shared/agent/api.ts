import { Type, type Static } from 'typebox'
import { endpoint } from '../kernel/endpoint.ts'
import { nothing, nullable, oneOf, time, uuid } from '../kernel/shapes.ts'
import { draftFields } from './draft-fields.ts'
import { listing, manifest, modelParams, REVIEW_ACTION } from './rows.ts'

/** What is asked about an agent by its id alone. */
const ofAgent = { params: Type.Object({ agent_id: uuid }), query: nothing, body: nothing }

export const versionEntry = Type.Object({
  id: uuid,
  agent_id: uuid,
  version: Type.String(),
  changelog: nullable(Type.String()),
  is_current: Type.Boolean(),
  state: oneOf(REVIEW_ACTION),
  /** Words of the last decision. */
  reason: nullable(Type.String()),
  created_at: time,
})
export type VersionEntry = Static<typeof versionEntry>

/** Freezes the draft as an immutable version and hands it to review. Online only. */
export const submitAgent = endpoint({
  id: 'agent.submit',
  method: 'POST',
  path: '/api/agents/:agent_id/submit',
  access: 'agent:submit',
  params: Type.Object({ agent_id: uuid }),
  query: nothing,
  body: Type.Object({
    /** Semantic version above the last one, e.g. `1.0.1`. */
    version: Type.String({ pattern: '^(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})$' }),
    changelog: Type.String({ maxLength: 4000 }),
    /** The draft revision that the developer saw; another one answers `agent/draft-conflict`. */
    revision: Type.Integer({ minimum: 1 }),
  }),
  reply: versionEntry,
})

export const listVersions = endpoint({
  id: 'agent.versions',
  method: 'GET',
  path: '/api/agents/:agent_id/versions',
  access: 'agent:read',
  ...ofAgent,
  reply: Type.Object({ versions: Type.Array(versionEntry) }),
})

/** Takes back a submission that has not been decided. */
export const withdrawVersion = endpoint({
  id: 'agent.withdraw',
  method: 'POST',
  path: '/api/agents/:agent_id/versions/:version_id/withdraw',
  access: 'agent:submit',
  params: Type.Object({ agent_id: uuid, version_id: uuid }),
  query: nothing,
  body: nothing,
  reply: versionEntry,
})

export const revisionEntry = Type.Object({
  revision: Type.Integer(),
  /** `merge`: a save that met another device's; `settle`: the answer to a conflict. */
  origin: oneOf(['save', 'merge', 'settle']),
  /** Node of the clock of the device that saved. */
  device: nullable(Type.String()),
  created_at: time,
})
export type RevisionEntry = Static<typeof revisionEntry>

/** What a draft was: every save, those of a minute as one; older ones thin out. Newest first. */
export const listRevisions = endpoint({
  id: 'agent.revisions',
  method: 'GET',
  path: '/api/agents/:agent_id/revisions',
  access: 'agent:write',
  ...ofAgent,
  reply: Type.Object({ revisions: Type.Array(revisionEntry) }),
})

/** The fields of a draft as they were at a revision. */
export const getRevision = endpoint({
  id: 'agent.revision',
  method: 'GET',
  path: '/api/agents/:agent_id/revisions/:revision',
  access: 'agent:write',
  params: Type.Object({ agent_id: uuid, revision: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }) }),
  query: nothing,
  body: nothing,
  reply: Type.Object({ content: draftFields }),
})

export const reviewEntry = Type.Object({
  version_id: uuid,
  agent_id: uuid,
  agent_name: Type.String(),
  icon: nullable(Type.String()),
  version: Type.String(),
  developer: Type.Object({ id: uuid, name: Type.String() }),
  state: oneOf(REVIEW_ACTION),
  /** One's own agent: may be read, not decided. */
  own: Type.Boolean(),
  submitted_at: time,
  decided_at: nullable(time),
})
export type ReviewEntry = Static<typeof reviewEntry>

export const listReviews = endpoint({
  id: 'review.list',
  method: 'GET',
  path: '/api/reviews',
  access: 'review:read',
  params: nothing,
  query: Type.Object({ state: Type.Optional(oneOf(['open', 'decided'])) }),
  body: nothing,
  reply: Type.Object({ reviews: Type.Array(reviewEntry) }),
})

/** What a reviewer compares: a version as it would run and as it would be listed. */
export const reviewedVersion = Type.Object({
  version: Type.String(),
  system_prompt: nullable(Type.String()),
  workflow_definition: Type.Unknown(),
  model_params: modelParams,
  tool_dependencies: Type.Array(Type.String()),
  manifest,
  listing,
})
export type ReviewedVersion = Static<typeof reviewedVersion>

export const getReview = endpoint({
  id: 'review.get',
  method: 'GET',
  path: '/api/reviews/:version_id',
  access: 'review:read',
  params: Type.Object({ version_id: uuid }),
  query: nothing,
  body: nothing,
  reply: Type.Object({
    entry: reviewEntry,
    changelog: nullable(Type.String()),
    submitted: reviewedVersion,
    /** The last approved version, to compare with; null for a first release. */
    approved: nullable(reviewedVersion),
    history: Type.Array(
      Type.Object({
        action: oneOf(REVIEW_ACTION),
        actor: Type.String(),
        reason: nullable(Type.String()),
        at: time,
        version: Type.String(),
      }),
    ),
  }),
})

/** Approves (publishes) or rejects with a reason. Nobody decides about an agent of their own. */
export const decideReview = endpoint({
  id: 'review.decide',
  method: 'POST',
  path: '/api/reviews/:version_id/decision',
  access: 'review:decide',
  params: Type.Object({ version_id: uuid }),
  query: nothing,
  body: Type.Object({ decision: oneOf(['approve', 'reject']), reason: Type.String({ maxLength: 4000 }) }),
  reply: reviewEntry,
})

/** Opens (or finds) the reviewer's sandboxed chat with the version under review. */
export const tryReview = endpoint({
  id: 'review.try',
  method: 'POST',
  path: '/api/reviews/:version_id/chat',
  access: 'review:try',
  params: Type.Object({ version_id: uuid }),
  query: nothing,
  body: nothing,
  reply: Type.Object({ chat_id: uuid }),
})

export const agentEndpoints = [
  submitAgent,
  listVersions,
  withdrawVersion,
  listRevisions,
  getRevision,
  listReviews,
  getReview,
  decideReview,
  tryReview,
]
