import type { NodeHost, NodeRecord } from '../run-node.ts'

/** A checkpoint that LangGraph wants kept. */
export interface CheckpointWrite {
  thread_id: string
  checkpoint_ns: string
  checkpoint_id: string
  parent_checkpoint_id: string | null
  checkpoint: string
  metadata: string
  blobs: { channels: string[]; versions: string[]; types: string[]; values: Buffer[] }
}

export type Durability = 'exit' | 'async'

/** Who holds the run: every write is guarded by it. */
export interface Fence {
  execution_id: string
  lease_owner: string
  attempt: number
}

/** One attempt of a run, as engine and saver see it. */
export interface EngineScope extends NodeHost {
  readonly fence: Fence
  readonly thread_id: string
  /** `exit`: one checkpoint, when the graph ends. `async`: one a step, for runs that must not repeat what they paid for. */
  readonly durability: Durability
  /** What nodes have done in this attempt. */
  readonly records: readonly NodeRecord[]
  /** The latest checkpoint that is not written yet: it goes into the statement that ends the run or hands it back. */
  pending_checkpoint: CheckpointWrite | undefined
  /** Nodes whose outputs the latest checkpoint holds, written or not: they do not run again. */
  kept_nodes: ReadonlySet<string>
  /** A guarded write found that another worker holds the run. */
  lose(): void
}

/** LangGraph copies `configurable` along; the scope travels in it under this name. */
export const SCOPE = 'banyan_scope'

/** The scope in a LangGraph config; undefined for callers from outside a run. */
export function scopeIn(configurable: Record<string, unknown> | undefined): EngineScope | undefined {
  const value = configurable?.[SCOPE]
  return isScope(value) ? value : undefined
}

function isScope(value: unknown): value is EngineScope {
  return typeof value === 'object' && value !== null && 'fence' in value && 'nodeStarted' in value
}

/** Records of nodes that the latest checkpoint holds; the others run again elsewhere and make new ones. */
export function keptRecords({ records, kept_nodes }: EngineScope): NodeRecord[] {
  return records.filter(({ node_name }) => kept_nodes.has(node_name))
}
