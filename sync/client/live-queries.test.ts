import { expect, test } from 'vitest'
import { LiveQueries } from './live-queries.ts'

type Rows = Record<string, unknown>[]

/** Live queries over rows that the test sets, and what was posted of them. */
function liveOver(rows: Map<string, Rows>) {
  const posted: [watch: string, rows: Rows][] = []
  const failed: string[] = []
  const reads: string[] = []
  const live = new LiveQueries({
    read: async (sql) => {
      reads.push(sql)
      const found = rows.get(sql)
      if (!found) throw new Error('no such table')
      return found
    },
    post: (watch, found) => posted.push([watch, found]),
    fail: (watch) => failed.push(watch),
  })
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 0))
  return { live, posted, failed, reads, quiet }
}

test('equal queries run once, and rows that are the same are not posted again', async () => {
  const { live, posted, reads, quiet } = liveOver(new Map([['a', [{ n: 1 }]]]))
  live.watch('x', 'a', [], ['t'])
  live.watch('y', 'a', [], ['t'])
  await quiet()
  live.changed(['t'])
  live.changed(['other'])
  await quiet()
  expect(reads).toEqual(['a', 'a'])
  expect(posted).toEqual([
    ['x', [{ n: 1 }]],
    ['y', [{ n: 1 }]],
  ])
})

test('who joins while the query waits to run again gets rows, though they are the same as before', async () => {
  const { live, posted, quiet } = liveOver(new Map([['a', [{ n: 1 }]]]))
  live.watch('x', 'a', [], ['t'])
  await quiet()
  live.changed(['t'])
  live.watch('y', 'a', [], ['t'])
  await quiet()
  expect(posted).toContainEqual(['y', [{ n: 1 }]])
})

test('a query that failed tells who watches, and is right again after the next change', async () => {
  const rows = new Map<string, Rows>()
  const { live, posted, failed, quiet } = liveOver(rows)
  live.watch('x', 'a', [], ['t'])
  await quiet()
  expect(failed).toEqual(['x'])
  rows.set('a', [])
  live.changed(['t'])
  await quiet()
  expect(posted).toEqual([['x', []]])
})

test('the watches of a tab that is gone end, those of others go on', async () => {
  const { live, posted, quiet } = liveOver(new Map([['a', [{ n: 1 }]]]))
  live.watch('one:1', 'a', [], ['t'])
  live.watch('two:1', 'a', [], ['t'])
  live.unwatchAll('one:')
  await quiet()
  expect(posted.map(([watch]) => watch)).toEqual(['two:1'])
})
