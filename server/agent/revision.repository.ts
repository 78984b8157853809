import type { RevisionEntry } from '../../shared/agent/api.ts'
import { draftFields } from '../../shared/agent/draft-fields.ts'
import type { Row } from '../../shared/kernel/mutator.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** `merge`: a save that met another device's. */
export type RevisionOrigin = 'save' | 'merge' | 'settle'

export interface KeptRevision {
  /** The draft as the mutation leaves it. */
  draft: Row
  mutation_id: string
  device: string
  origin: RevisionOrigin
}

const FIELDS = Object.keys(draftFields.properties)

/**
 * Keeps what a save made of the draft. Saves of one device within a minute are one revision; the last day keeps them
 * all, the last month one an hour, and what is older one a day. Conflicts that were settled a month ago go.
 */
export function revisionParts({ draft, mutation_id, device, origin }: KeptRevision, guard: string): Part[] {
  const content = JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, draft[field] ?? null])))
  const { id, user_id, revision } = draft
  return [
    {
      name: 'folded',
      sql: `update agent_draft_revisions r set revision = $2::int, content = $3::jsonb, mutation_id = $4::uuid
        where r.id = (select id from agent_draft_revisions where draft_id = $1::uuid order by revision desc, id desc limit 1)
          and r.device = $5::varchar and r.origin = 'save' and $6::varchar = 'save' and r.created_at > now() - interval '1 minute'
          and exists (select 1 from ${guard})
        returning 1`,
      values: [id, revision, content, mutation_id, device, origin],
    },
    {
      name: 'kept',
      sql: `insert into agent_draft_revisions (id, draft_id, user_id, revision, content, mutation_id, device, origin)
        select $1::uuid, $2::uuid, $3::uuid, $4::int, $5::jsonb, $6::uuid, $7::varchar, $8::varchar
        where exists (select 1 from ${guard}) and not exists (select 1 from folded)
        returning 1`,
      values: [newId(), id, user_id, revision, content, mutation_id, device, origin],
    },
    {
      name: 'thinned',
      sql: `delete from agent_draft_revisions where exists (select 1 from kept) and id in (
        select id from (
          select id, row_number() over (
            partition by case when created_at > now() - interval '30 days' then date_trunc('hour', created_at)
              else date_trunc('day', created_at) end
            order by revision desc) as place
          from agent_draft_revisions where draft_id = $1::uuid and created_at < now() - interval '1 day') old
        where place > 1)`,
      values: [id],
    },
    {
      name: 'forgotten',
      sql: `delete from draft_conflicts where draft_id = $1::uuid and settled_at < now() - interval '30 days'
        and exists (select 1 from kept)`,
      values: [id],
    },
  ]
}

/** How many revisions a list shows. */
const SHOWN = 200

/** What can be gone back to, newest first. */
export async function revisionsOf(db: Queryable, agent_id: string): Promise<RevisionEntry[]> {
  return db.query<RevisionEntry & Record<string, unknown>>(
    prepared(
      `select r.revision, r.origin, r.device, r.created_at from agent_draft_revisions r join agent_drafts d on d.id = r.draft_id
        where d.agent_id = $1 order by r.revision desc, r.id desc limit ${SHOWN}`,
      [agent_id],
    ),
  )
}

/** The fields of a draft as a revision has them. */
export async function revisionContent(db: Queryable, agent_id: string, revision: number): Promise<Row | undefined> {
  const [row] = await db.query<{ content: Row }>(
    prepared(
      `select r.content from agent_draft_revisions r join agent_drafts d on d.id = r.draft_id
        where d.agent_id = $1 and r.revision = $2 order by r.id desc limit 1`,
      [agent_id, revision],
    ),
  )
  return row?.content
}
