import { formatHlc } from '../../shared/kernel/hlc.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Part } from '../kernel/statement.ts'

/** `published`: what an install holds of the agent's current version, and `is_new` for a first install. */
export function publishedPart(agent_id: string, user_id: string): Part {
  return {
    name: 'published',
    sql: `select a.id as agent_id, v.id as version_id, v.version, a.name, a.icon, v.manifest,
        not exists (select 1 from agent_installs i where i.agent_id = a.id and i.user_id = $2::uuid) as is_new
      from agents a join agent_versions v on v.agent_id = a.id and v.is_current
      where a.id = $1::uuid and a.status = 'published' and a.deleted_at is null`,
    values: [agent_id, user_id],
  }
}

/**
 * `install`: the person's install of what `published` found, new or moved to it. It has a clock, so that a removal of
 * before, which a device sends later, does not take it away again.
 */
export function installPart(user_id: string): Part {
  return {
    name: 'install',
    sql: `insert into agent_installs (id, user_id, agent_id, agent_version_id, version, name, icon, manifest, field_clock)
      select $1::uuid, $2::uuid, agent_id, version_id, version, name, icon, manifest, jsonb_build_object('removed', $3::text)
        from published
      on conflict (user_id, agent_id) do update set agent_version_id = excluded.agent_version_id, version = excluded.version,
        name = excluded.name, icon = excluded.icon, manifest = excluded.manifest, removed_at = null,
        field_clock = agent_installs.field_clock || excluded.field_clock, updated_at = now()
      returning *`,
    values: [newId(), user_id, formatHlc({ ms: Date.now(), counter: 0 }, 'server')],
  }
}

/** `counted`: a first install of what `published` found, in the agent's download count. */
export function countedPart(): Part {
  return {
    name: 'counted',
    sql: `update agents a set download_count = download_count + 1 from published
      where a.id = published.agent_id and published.is_new`,
    values: [],
  }
}
