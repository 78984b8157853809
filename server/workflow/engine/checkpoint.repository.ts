import type { Part } from '../../kernel/statement.ts'
import type { CheckpointWrite, Fence } from './scope.ts'

/** A checkpoint as parts of a statement, written only when the CTE `guard` has a row. */
export function checkpointParts(write: CheckpointWrite, guard: string): Part[] {
  const { blobs } = write
  return [
    {
      name: 'checkpoint',
      sql: `insert into langgraph.checkpoints
          (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
        select $1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb from ${guard}
        on conflict (thread_id, checkpoint_ns, checkpoint_id)
          do update set checkpoint = excluded.checkpoint, metadata = excluded.metadata
        returning checkpoint_id`,
      values: [
        write.thread_id,
        write.checkpoint_ns,
        write.checkpoint_id,
        write.parent_checkpoint_id,
        write.checkpoint,
        write.metadata,
      ],
    },
    {
      name: 'checkpoint_blobs',
      sql: `insert into langgraph.checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
        select $1::text, $2::text, b.channel, b.version, b.type, b.blob
        from ${guard}, unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) as b (channel, version, type, blob)
        on conflict (thread_id, checkpoint_ns, channel, version) do nothing`,
      values: [write.thread_id, write.checkpoint_ns, blobs.channels, blobs.versions, blobs.types, blobs.values],
    },
  ]
}

/** What a task of a step has written, before the step as a whole is kept. */
export interface TaskWrites {
  thread_id: unknown
  checkpoint_ns: unknown
  checkpoint_id: unknown
  task_id: string
  indexes: number[]
  channels: string[]
  types: string[]
  values: Buffer[]
}

/** `task_writes`: written only when the CTE `guard` has a row. */
export function taskWritesPart(writes: TaskWrites, guard: string): Part {
  return {
    name: 'task_writes',
    sql: `insert into langgraph.checkpoint_writes
        (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob)
      select $1::text, $2::text, $3::text, $4::text, w.idx, w.channel, w.type, w.blob
      from ${guard}, unnest($5::int[], $6::text[], $7::text[], $8::bytea[]) as w (idx, channel, type, blob)
      on conflict (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
        do update set channel = excluded.channel, type = excluded.type, blob = excluded.blob`,
    values: [
      writes.thread_id,
      writes.checkpoint_ns,
      writes.checkpoint_id,
      writes.task_id,
      writes.indexes,
      writes.channels,
      writes.types,
      writes.values,
    ],
  }
}

/** `held`: a row while the run is held by this attempt. Without a run (tools, tests) there is always one. */
export function heldPart(fence: Fence | undefined): Part {
  if (!fence) return { name: 'held', sql: 'select 1', values: [] }
  return {
    name: 'held',
    sql: 'select execution_id from run_queue where execution_id = $1 and lease_owner = $2 and attempt = $3',
    values: [fence.execution_id, fence.lease_owner, fence.attempt],
  }
}
