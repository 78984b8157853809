import { randomInt } from 'node:crypto'
import type { RunnableConfig } from '@langchain/core/runnables'
import {
  WRITES_IDX_MAP,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
} from '@langchain/langgraph-checkpoint'
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres'
import type { Database } from '../../kernel/db.ts'
import { compose, rowsOf, type Part } from '../../kernel/statement.ts'
import { nodesPart } from '../node-record.repository.ts'
import { checkpointParts, heldPart, taskWritesPart } from './checkpoint.repository.ts'
import { keptRecords, scopeIn, type CheckpointWrite, type EngineScope } from './scope.ts'

const RANDOM = 2 ** 32

/**
 * Keeps checkpoints in Postgres, one prepared statement a write, each guarded by the run's lease. It differs from the
 * stock saver in three ways:
 * - Versions of channels are unique. With the stock integers two forks of one checkpoint share a version, and the second
 *   reads the first one's data (langgraphjs#1812).
 * - The last checkpoint of an `exit` run is not written here but handed to the run, which puts it into its end statement.
 * - Writes of a task that failed are dropped whole (notes on torn writes: a half-made write loses successors).
 */
export class RunSaver extends PostgresSaver {
  readonly #db: Database

  constructor(db: Database) {
    super(db.pool, undefined, { schema: 'langgraph' })
    this.#db = db
  }

  /** A counter in the high bits, so that versions order, and 32 random bits below it: exact in a double. */
  override getNextVersion(current: number | undefined): number {
    return (Math.floor((current ?? 0) / RANDOM) + 1) * RANDOM + randomInt(RANDOM)
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    // A first attempt has nothing to load, and must not pay a round trip to learn that.
    if (scopeIn(config.configurable)?.fence.attempt === 1) return undefined
    return super.getTuple(config)
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {}
    const write: CheckpointWrite = {
      thread_id: String(thread_id),
      checkpoint_ns: String(checkpoint_ns),
      checkpoint_id: checkpoint.id,
      parent_checkpoint_id: typeof checkpoint_id === 'string' ? checkpoint_id : null,
      checkpoint: JSON.stringify({ ...checkpoint, channel_values: undefined }),
      metadata: JSON.stringify(metadata),
      blobs: await this.#blobs(checkpoint.channel_values, newVersions),
    }
    const scope = scopeIn(config.configurable)
    if (scope) scope.kept_nodes = new Set(Object.keys(outputsIn(checkpoint.channel_values)))
    if (scope?.durability === 'exit') scope.pending_checkpoint = write
    else
      await this.#write(scope, [
        ...checkpointParts(write, 'held'),
        ...(scope ? [nodesPart(keptRecords(scope), undefined, 'held')] : []),
      ])
    return { configurable: { thread_id, checkpoint_ns, checkpoint_id: checkpoint.id } }
  }

  override async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const scope = scopeIn(config.configurable)
    if (scope?.durability === 'exit' || writes.some(([channel]) => channel === '__error__')) return
    const { thread_id, checkpoint_ns = '', checkpoint_id } = config.configurable ?? {}
    const dumped = await Promise.all(writes.map(([, value]) => this.serde.dumpsTyped(value)))
    const part = taskWritesPart(
      {
        thread_id,
        checkpoint_ns,
        checkpoint_id,
        task_id: taskId,
        indexes: writes.map(([channel], index) => WRITES_IDX_MAP[channel] ?? index),
        channels: writes.map(([channel]) => channel),
        types: dumped.map(([type]) => type),
        values: dumped.map(([, bytes]) => Buffer.from(bytes)),
      },
      'held',
    )
    await this.#write(scope, [part])
  }

  /** Writes while the run is held, and ends it here when it is not. Without a run (tools, tests) it always writes. */
  async #write(scope: EngineScope | undefined, parts: Part[]): Promise<void> {
    const rows = await this.#db.query(compose([heldPart(scope?.fence), ...parts], rowsOf('held')))
    if (rows.length === 0) scope?.lose()
  }

  async #blobs(values: Record<string, unknown>, versions: ChannelVersions): Promise<CheckpointWrite['blobs']> {
    const blobs: CheckpointWrite['blobs'] = { channels: [], versions: [], types: [], values: [] }
    for (const [channel, version] of Object.entries(versions)) {
      // An empty channel needs no row: loading joins on what is there, and most channels of a finished graph are empty.
      if (!Object.hasOwn(values, channel)) continue
      const [type, bytes] = await this.serde.dumpsTyped(values[channel])
      blobs.channels.push(channel)
      blobs.versions.push(String(version))
      blobs.types.push(type)
      blobs.values.push(Buffer.from(bytes))
    }
    return blobs
  }
}

function outputsIn({ out }: Record<string, unknown>): object {
  return typeof out === 'object' && out !== null ? out : {}
}
