import type { PlannedNode } from '../../../shared/workflow/plan.ts'
import type { StateView } from '../../../shared/workflow/template.ts'
import type { ModelMessage, ModelProviders, ModelUsage } from '../../config/index.ts'
import type { HistoryMessage } from '../ports.ts'

/** Model settings of an agent version, under those of a node. */
export interface ModelSettings {
  model?: string | undefined
  temperature?: number | undefined
  top_p?: number | undefined
  max_tokens?: number | undefined
}

/** What is the same for all nodes of a run. */
export interface RunSetting {
  message_id: string
  text: string
  history: readonly HistoryMessage[]
  system_prompt: string | null
  model_settings: ModelSettings
  models: ModelProviders
}

export interface NodeContext {
  setting: RunSetting
  state: StateView
  /** Ends when the run is stopped or the node's time is up. */
  signal: AbortSignal
  /** Text of this node as it grows; reaches the person when the node speaks for the run. */
  speak(text: string): void
  /** A call that was cut short: what it used until then is paid for although the node fails. */
  wasted(call: ModelCall): void
}

/** A model call as the run's record keeps it: references and counts, no copy of the history. */
export interface ModelCall {
  service: 'model'
  provider: string
  model: string
  demo: boolean
  /** Ids of the earlier messages that were sent. */
  history: string[]
  /** Everything else that was sent; the question by reference. */
  messages: (Pick<ModelMessage, 'role'> & ({ content: string } | { message: string }))[]
  finish_reason: string | undefined
  usage: ModelUsage
  /** True when the provider did not count and we guessed. */
  usage_estimated: boolean
  cost: number | null
  first_text_ms: number
  retries: number
}

export interface NodeResult {
  /** Kept under `nodes.<name>.output`. Plain JSON. */
  output: unknown
  calls?: ModelCall[] | undefined
}

/** How one type of node runs. `prepare` is called once per compiled version: parsing belongs there. */
export interface Executor {
  prepare(node: PlannedNode): (context: NodeContext) => Promise<NodeResult> | NodeResult
}
