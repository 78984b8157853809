import { mayDo } from '../../../shared/identity/permissions.ts'
import type { ModelProviders } from '../../config/index.ts'
import type { Database } from '../../kernel/db.ts'
import type { Actor } from '../../kernel/request.ts'
import { agentModels } from './agent-model.repository.ts'

/** What stands before an agent's slug in a model name. */
export const AGENT_PREFIX = 'agent/'

/** An entry of OpenAI's model list; `created` in seconds since the epoch. */
export interface ModelEntry {
  id: string
  object: 'model'
  created: number
  owned_by: string
}

/** Published agents, then the provider's models for those who may call them. */
export async function listModels(deps: { db: Database; models: ModelProviders }, actor: Actor): Promise<ModelEntry[]> {
  const agents = await agentModels(deps.db)
  const provider = deps.models.current()
  const names = mayDo(actor.roles, 'model:call') ? await provider.list().catch(() => [provider.default_model]) : []
  return [
    ...agents.map(({ slug, created, owner }) => entry(`${AGENT_PREFIX}${slug}`, created, owner)),
    ...names.map((name) => entry(name, 0, provider.kind)),
  ]
}

const entry = (id: string, created: number, owned_by: string): ModelEntry => ({
  id,
  object: 'model',
  created,
  owned_by,
})
