import type { Replica } from '../../client/replica.ts'
import type { Flaw } from './world.ts'

/** Ways to get the parts wrong that the model is there for, and what it says then. */
export const FLAWS: readonly (Flaw & { says: RegExp })[] = [
  {
    name: 'that the overlay is not made anew',
    replica: (right) => but(right, { rebase: async () => ({ tables: [], effects: new Map() }) }),
    says: /I1/,
  },
  {
    name: 'that mutations are settled by the answer to their push',
    replica: (right) =>
      but(right, { cursors: () => new Map([...right.cursors()].filter(([name]) => name !== 'acks')) }),
    says: /I1/,
  },
  {
    name: 'that shapes are taken to be as far as the ack, whatever they have',
    replica: (right) =>
      but(right, {
        cursors: () =>
          new Map(
            [...right.cursors()].map(([name, cursor]) => [name, { ...cursor, lsn: FURTHEST, refetching: false }]),
          ),
      }),
    says: /I1/,
  },
  {
    name: 'that the server keeps no ledger, and takes a repeat for something new',
    forget: async (db) => {
      await db.query('delete from mutation_ledger')
      await db.query('update acks set last_seq = 0')
    },
    says: /I2|I3|raised/,
  },
  {
    name: 'that a batch is applied without its deletions and updates',
    replica: (right) =>
      but(right, {
        apply: (shape, batch) =>
          right.apply(shape, { ...batch, changes: batch.changes.filter(({ op }) => op === 'insert') }),
      }),
    says: /not in step|I1/,
  },
]

const FURTHEST = '9'.repeat(18)

/** The replica with some of its methods replaced. */
function but(right: Replica, wrong: Partial<Replica>): Replica {
  return new Proxy(right, {
    get: (target, name) => {
      if (Object.hasOwn(wrong, name)) return Reflect.get(wrong, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
