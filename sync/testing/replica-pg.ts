import { PGlite } from '@electric-sql/pglite'
import { MUTATORS } from '../../shared/registry.ts'
import { PARSERS } from '../client/pg-parsers.ts'
import { PgliteReplica } from '../client/pglite-replica.ts'
import { replicaDdl } from '../client/replica-schema.ts'

/** A database in memory with a replica's tables. */
export async function replicaPg(): Promise<PGlite> {
  const pg = await PGlite.create({
    parsers: PARSERS,
    startParams: [...PGlite.defaultStartParams, '-c', 'timezone=UTC'],
  })
  await pg.exec(replicaDdl())
  return pg
}

/** A replica over it, as a process would find it: all it knows is what is in the tables. */
export function replicaOver(pg: PGlite, user_id: string): Promise<PgliteReplica> {
  return PgliteReplica.over(pg, {
    user_id,
    mutators: MUTATORS,
    lasting: false,
    remove: async () => undefined,
    onComplete: () => undefined,
  })
}
