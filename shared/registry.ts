import { agentMutators } from './agent/mutators.ts'
import { agentQueries } from './agent/queries.ts'
import { chatMutators } from './chat/mutators.ts'
import { chatQueries } from './chat/queries.ts'
import { configMutators } from './config/mutators.ts'
import { configQueries } from './config/queries.ts'
import type { Mutator } from './kernel/mutator.ts'
import type { NamedQuery } from './kernel/query.ts'

/** Every mutator by name. A new one is listed in its module's `mutators.ts` and arrives here. */
export const MUTATORS: Readonly<Record<string, Mutator>> = byName<Mutator>([
  ...chatMutators,
  ...agentMutators,
  ...configMutators,
])

/** Every named query by name. */
export const QUERIES: Readonly<Record<string, NamedQuery>> = byName<NamedQuery>([
  ...chatQueries,
  ...agentQueries,
  ...configQueries,
])

function byName<T extends { name: string }>(items: readonly T[]): Record<string, T> {
  const record: Record<string, T> = Object.create(null)
  for (const item of items) {
    if (record[item.name]) throw new Error(`two things named ${item.name}`)
    record[item.name] = item
  }
  return record
}
