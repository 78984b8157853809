import type { Part } from '../../kernel/statement.ts'
import type { CheckpointWrite } from './scope.ts'

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
