import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StrictReplica } from '../testing-replica.ts'
import { textRows, untilEqual } from '../testing.ts'
import type { ContractTarget, OpenTarget } from './testing-target.ts'

interface Message {
  key?: string
  value?: Record<string, string | null>
  headers: Record<string, unknown>
}

export function changesContract(open: OpenTarget): void {
  describe('what a log says of changes', () => {
    let target: ContractTarget

    beforeAll(async () => {
      target = await open()
      await target.db.query(`
        drop table if exists items, pairs;
        create table items (id int primary key, owner text not null, title text);
        insert into items select n, case when n % 2 = 0 then 'ann' else 'bob' end, 'item ' || n from generate_series(1, 8) n;
        create table pairs (a int, b int, note text, primary key (a, b)); insert into pairs values (1, 1, 'x')`)
    })
    afterAll(() => target.close())

    /** Where the shape ends now. */
    const end = async (query: string): Promise<string> => {
      const start = await target.ask(`${query}&offset=now`)
      expect(start.status).toBe(200)
      return `${query}&offset=${start.headers.get('electric-offset')}&handle=${start.headers.get('electric-handle')}`
    }
    /** The row messages from there to the end of the log, when it has moved. */
    const news = async (from: string, write: string): Promise<Message[]> => {
      await target.db.query(write)
      const rows: Message[] = []
      for (let [next, live] = [from, true]; ;) {
        const answer = await target.ask(live ? `${next}&live=true` : next)
        expect(answer.status).toBe(200)
        const messages: Message[] = await answer.json()
        rows.push(...messages.filter(({ key }) => key !== undefined))
        if (rows.length > 0 && answer.headers.has('electric-up-to-date')) return rows
        next = from.replace(/offset=[^&]*/, `offset=${answer.headers.get('electric-offset')}`)
        live = rows.length === 0
      }
    }
    const outline = (messages: readonly Message[]): unknown[] =>
      messages.map(({ key, headers, value }) => [headers['operation'], key?.split('/').slice(1).join('/'), value])

    it('an update carries its key and what changed, a delete its key, an insert the row', async () => {
      const from = await end('table=items')
      const messages = await news(
        from,
        `begin; update items set title = 'new' where id = 1; delete from items where id = 2; insert into items values (20, 'ann', null); commit`,
      )
      expect(outline(messages)).toEqual([
        ['update', '"1"', { id: '1', title: 'new' }],
        ['delete', '"2"', { id: '2' }],
        ['insert', '"20"', { id: '20', owner: 'ann', title: null }],
      ])
      expect(messages.map(({ headers }) => headers['last'])).toEqual([undefined, undefined, true])
      const [first] = messages
      expect(first?.headers).toMatchObject({
        lsn: expect.stringMatching(/^\d+$/),
        op_position: 0,
        relation: ['public', 'items'],
        txids: [expect.any(Number)],
      })
    })

    it('a row that leaves the filter is deleted, one that enters it is inserted as a whole', async () => {
      const from = await end(`table=items&where=${encodeURIComponent("owner = 'ann'")}`)
      const messages = await news(
        from,
        `begin; update items set owner = 'bob' where id = 4; update items set owner = 'ann' where id = 3; commit`,
      )
      expect(outline(messages)).toEqual([
        ['delete', '"4"', { id: '4' }],
        ['insert', '"3"', { id: '3', owner: 'ann', title: 'item 3' }],
      ])
    })

    it('a key that changes is a delete and an insert, each of which names the other', async () => {
      const from = await end('table=pairs')
      const [gone, come] = await news(from, 'update pairs set b = 2')
      expect(outline([gone ?? { headers: {} }, come ?? { headers: {} }])).toEqual([
        ['delete', '"1"/"1"', { a: '1', b: '1' }],
        ['insert', '"1"/"2"', { a: '1', b: '2', note: 'x' }],
      ])
      expect([gone?.headers['key_change_to'], come?.headers['key_change_from']]).toEqual([come?.key, gone?.key])
    })

    it('an update that changes no column of the shape is not told', async () => {
      const from = await end('table=items&columns=id,owner')
      const messages = await news(
        from,
        `begin; update items set title = 'unseen'; update items set owner = 'cat' where id = 5; commit`,
      )
      expect(outline(messages)).toEqual([['update', '"5"', { id: '5', owner: 'cat' }]])
    })

    it('nothing is told of what was rolled back', async () => {
      const from = await end('table=items')
      const messages = await news(
        from,
        `begin; insert into items values (30, 'ann', 'never'); rollback; insert into items values (31, 'ann', 'once')`,
      )
      expect(outline(messages)).toEqual([['insert', '"31"', { id: '31', owner: 'ann', title: 'once' }]])
    })

    it('the end of the log has a number that grows, and never falls behind what was told', async () => {
      const replica = new StrictReplica(target.stream({ table: 'items' }))
      await expect.poll(() => replica.upToDate, { timeout: 30_000 }).toBe(true)
      await target.db.query(`insert into items select n, 'ann', 'many' from generate_series(1000, 1999) n`)
      await expect.poll(() => replica.rows.has('"public"."items"/"1999"'), { timeout: 30_000 }).toBe(true)
      expect([replica.faults, replica.refetches]).toEqual([[], 0])
    })

    it('TRUNCATE ends it: readers fetch anew', async () => {
      const from = await end('table=items')
      await target.db.query(`truncate items; insert into items values (1, 'ann', 'after')`)
      await expect.poll(async () => (await target.ask(from)).status, { timeout: 30_000 }).toBe(409)
      const shape = new Shape(target.stream({ table: 'items' }))
      await untilEqual(shape, 'items', () => textRows(target.db, 'select * from items'), 30_000)
    })
  })
}
