import { schemaHash } from './replica-schema.ts'

/** Replicas of one person lie beside each other: one a schema, and one a generation of engines that may hold its files. */
export interface ReplicaName {
  schema: string
  generation: number
}

export function nameOf({ schema, generation }: ReplicaName): string {
  return `${schema}-g${generation}`
}

export function parseName(text: string): ReplicaName | undefined {
  const [, schema, generation] = /^([0-9a-f]{16})-g(\d+)$/.exec(text) ?? []
  return schema === undefined ? undefined : { schema, generation: Number(generation) }
}

/** What an engine may do with files: it writes those of `generation`, and may copy what an earlier one left, if not too old. */
export interface ReplicaFiles {
  generation: number
  /** Earlier generations than this could not be opened. */
  oldest: number
}

/**
 * From which of the replicas that lie there (the latest first) a new one can begin: a copy of one of its own schema,
 * which knows how far it has come, or else the rows of one of another.
 */
export function predecessors(
  names: readonly string[],
  { generation, oldest }: ReplicaFiles,
): { same: ReplicaName[]; other: ReplicaName[] } {
  const usable = names
    .flatMap((name) => parseName(name) ?? [])
    .filter((name) => name.generation >= oldest && name.generation <= generation)
  const own = schemaHash()
  return {
    same: usable.filter((name) => name.schema === own),
    other: usable.filter((name) => name.schema !== own),
  }
}
