import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { operationalError, toAppError, type AppError } from '../../shared/kernel/errors.ts'
import type { CompiledWorkflow, Engine } from './engine/index.ts'
import type { ModelSettings } from './executors/executor.ts'
import type { ConversationPort } from './ports.ts'

/** A version ready to run, or why it never will be. */
export type ReadyVersion =
  | { workflow: CompiledWorkflow; system_prompt: string | null; model_settings: ModelSettings }
  | { error: AppError }

const settings = Type.Object({
  model: Type.Optional(Type.String()),
  temperature: Type.Optional(Type.Number()),
  top_p: Type.Optional(Type.Number()),
  max_tokens: Type.Optional(Type.Integer()),
})

const MOST_VERSIONS = 500

/** Versions never change, so each is loaded and compiled once. */
export class VersionCache {
  readonly #engine: Engine
  readonly #conversation: ConversationPort
  readonly #versions = new Map<string, Promise<ReadyVersion>>()

  constructor(engine: Engine, conversation: ConversationPort) {
    this.#engine = engine
    this.#conversation = conversation
  }

  get(agent_version_id: string): Promise<ReadyVersion> {
    const known = this.#versions.get(agent_version_id)
    // Taken out and put back, the entry is the youngest again; the oldest go first.
    this.#versions.delete(agent_version_id)
    const ready = known ?? this.#load(agent_version_id)
    this.#versions.set(agent_version_id, ready)
    const [oldest] = this.#versions.keys()
    if (this.#versions.size > MOST_VERSIONS && oldest !== undefined) this.#versions.delete(oldest)
    return ready
  }

  async #load(agent_version_id: string): Promise<ReadyVersion> {
    try {
      const version = await this.#conversation.version(agent_version_id)
      if (!version) throw operationalError('agent/not-found', { agent_version_id })
      const { model_params, system_prompt } = version
      return {
        workflow: this.#engine.compile(version.workflow_definition),
        system_prompt,
        model_settings: Value.Check(settings, model_params) ? model_params : {},
      }
    } catch (error) {
      const reason = toAppError(error)
      // Only what is wrong with the version itself is worth remembering.
      if (reason.kind !== 'user') this.#versions.delete(agent_version_id)
      if (reason.code === 'server/unavailable') throw reason
      return { error: reason }
    }
  }
}
