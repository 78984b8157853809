import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Change } from '../core/fold-changes.ts'
import { INITDB_PARAMS, startParams } from './blank-replica.ts'
import { Upkeep } from './upkeep.ts'

let pg: PGlite

beforeAll(async () => {
  const params = startParams(PGlite.defaultStartParams)
  pg = await PGlite.create({ initDbStartParams: INITDB_PARAMS, startParams: params })
  await pg.exec('create table things_synced (id int primary key, words text)')
})
afterAll(() => pg.close())

const changes = (op: Change['op'], count: number): Change[] => Array.from({ length: count }, () => ({ op, row: {} }))
const later = () => Date.now() + 60_000

test('statistics are made anew when a fifth has come, rows that are gone are swept, a long log is cut', async () => {
  const upkeep = new Upkeep(pg)
  await pg.exec('checkpoint')
  await pg.exec("insert into things_synced select n, repeat('x', 1000) from generate_series(1, 4000) n")
  upkeep.note(changes('insert', 4000))
  expect(await upkeep.run()).toEqual([])
  expect(await upkeep.run(later())).toEqual(['analyze'])
  upkeep.note(changes('insert', 700))
  expect(await upkeep.run(later())).toEqual([])
  upkeep.note(changes('insert', 150))
  expect(await upkeep.run(later())).toEqual(['analyze'])
  await pg.exec("update things_synced set words = words || 'y'")
  upkeep.note(changes('update', 4000))
  expect(await upkeep.run(later())).toEqual(['analyze', 'vacuum', 'checkpoint'])
  expect(await upkeep.run(later())).toEqual([])
})
