import { describe, expect, it } from 'vitest'
import type { RelationMessage } from '../replication/pgoutput.ts'
import type { RowChange } from '../replication/transaction.ts'
import type { ShapeFilter } from './filter.ts'
import { Router } from './router.ts'
import { RowFormat } from './row-format.ts'
import { ShapeLog } from './shape-log.ts'

const table = { oid: 1, schema: 'public', name: 'notes', columns: [], fullIdentity: true, published: true }
const format = new RowFormat(table, undefined, 'default')
const source = { schema: 'public', table: 'notes', replica: 'default', rows: { kind: 'all' } } as const
const column = (name: string) => ({ name, key: true, typeOid: 25, typmod: -1 })
const relation: RelationMessage = {
  tag: 'relation',
  oid: 1,
  schema: 'public',
  name: 'notes',
  identity: 'f',
  columns: ['owner', 'hidden'].map(column),
}

function add(router: Router, number: number, filter: ShapeFilter): ShapeLog {
  const shape = new ShapeLog(number, `h${number}`, { id: `${number}`, source, format, filter }, 0n, 1_000)
  router.add(shape)
  return shape
}

const owned = (value: string, but?: string): ShapeFilter => ({ kind: 'equals', column: 'owner', value, but })

type Row = [owner: string | null, hidden: 't' | 'f']
const change = (old: Row | undefined, row: Row | undefined): RowChange => ({
  kind: 'update',
  relation,
  old,
  new: row,
  position: 0,
})

/** Which shapes hear of a change, and whether the row was and is in them. */
function heard(router: Router, one: RowChange): [number, boolean | undefined, boolean | undefined][] {
  const all: [number, boolean | undefined, boolean | undefined][] = []
  router.route(one, (shape, before, after) => all.push([shape.number, before, after]))
  return all
}

describe('a change is told', () => {
  it('to the shapes whose value the row had or has, and to no other', () => {
    const router = new Router()
    for (const [number, owner] of ['ann', 'bob', 'cat'].entries()) add(router, number, owned(owner))
    expect(heard(router, change(undefined, ['ann', 'f']))).toEqual([[0, false, true]])
    expect(heard(router, change(['ann', 'f'], ['ann', 't']))).toEqual([[0, true, true]])
    expect(heard(router, change(['ann', 'f'], ['bob', 'f']))).toEqual([
      [0, true, false],
      [1, false, true],
    ])
    expect(heard(router, change(['cat', 'f'], undefined))).toEqual([[2, true, false]])
    expect(heard(router, change([null, 'f'], ['nobody', 'f']))).toEqual([])
  })

  it('to no shape that leaves out what is marked, until the mark goes', () => {
    const router = new Router()
    add(router, 1, owned('ann', 'hidden'))
    expect(heard(router, change(undefined, ['ann', 't']))).toEqual([])
    expect(heard(router, change(['ann', 't'], ['ann', 'f']))).toEqual([[1, false, true]])
    expect(heard(router, change(['ann', 'f'], ['ann', 't']))).toEqual([[1, true, false]])
  })

  it('to whole tables, and undecided to shapes that Postgres decides', () => {
    const router = new Router()
    add(router, 1, { kind: 'all' })
    add(router, 2, { kind: 'sql', condition: 'true', columns: [] })
    expect(heard(router, change(undefined, ['ann', 'f']))).toEqual([
      [1, false, true],
      [2, undefined, undefined],
    ])
  })

  it('no more once a shape is removed', () => {
    const router = new Router()
    const gone = add(router, 1, owned('ann'))
    add(router, 2, owned('ann'))
    router.remove(gone)
    expect(heard(router, change(undefined, ['ann', 'f']))).toEqual([[2, false, true]])
    expect(router.shapesOf(1).map(({ number }) => number)).toEqual([2])
  })

  it('at the same cost among a hundred shapes and among a hundred thousand', () => {
    const cost = (shapes: number): number => {
      const router = new Router()
      for (let number = 0; number < shapes; number += 1) add(router, number, owned(`person ${number}`))
      const one = change(['person 7', 'f'], ['person 8', 'f'])
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < 20; round += 1) {
        const before = performance.now()
        for (let times = 0; times < 200; times += 1) router.route(one, () => undefined)
        least = Math.min(least, performance.now() - before)
      }
      return least
    }
    cost(100)
    const few = cost(100)
    // A thousand times as many; a walk through all of them costs about as many times more.
    expect(cost(100_000)).toBeLessThan(few * 20)
  })
})
