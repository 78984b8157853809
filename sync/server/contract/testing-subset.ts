import { isChangeMessage, Shape, type Message, type Row } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textRows, untilEqual } from '../testing.ts'
import type { ContractTarget, OpenTarget } from './testing-target.ts'

export function subsetContract(open: OpenTarget): void {
  describe('a log of changes only, and subsets of its rows', () => {
    let target: ContractTarget

    beforeAll(async () => {
      target = await open()
      await target.db.query(`
      drop table if exists posts; drop type if exists mood;
      create type mood as enum ('sad', 'glad');
      create table posts (id int primary key, chat int not null, title text, mood mood default 'sad');
      insert into posts select n, n % 3, 'post ' || n from generate_series(1, 30) n`)
    })
    afterAll(() => target.close())

    const posts = (where: string): Promise<unknown[]> => textRows(target.db, `select * from posts where ${where}`)
    const ask = (query: string, init?: RequestInit): Promise<Response> => target.ask(`table=posts&${query}`, init)
    const subset = async (query: string, init?: RequestInit) => {
      const answer = await ask(`log=changes_only&offset=now&${query}`, init)
      expect([answer.status, answer.headers.get('electric-snapshot')]).toEqual([200, 'true'])
      const { data, metadata }: { data: { value: { id: string } }[]; metadata: Record<string, unknown> } =
        await answer.json()
      return { ids: data.map(({ value }) => Number(value.id)), data, metadata, headers: answer.headers }
    }

    it('begins empty, goes on with every change, and takes in the rows that are asked for', async () => {
      const stream = target.stream({ table: 'posts' }, { log: 'changes_only' })
      const shape = new Shape(stream)
      const messages: Message<Row>[] = []
      stream.subscribe((some) => void messages.push(...some))
      expect(await shape.rows).toEqual([])
      await shape.requestSnapshot({ where: 'chat = $1', params: { 1: '1' } })
      await untilEqual(shape, 'chat 1', () => posts('chat = 1'))
      await target.db.query(
        `update posts set title = 'changed' where id in (1, 2); insert into posts values (40, 1, 'new')`,
      )
      await target.db.query('delete from posts where id = 4')
      await untilEqual(shape, 'chat 1', () => posts('chat = 1'))
      // What is not held here is told as well: an update, which carries what changed.
      const second = messages.find((message) => isChangeMessage(message) && message.key.endsWith('/"2"'))
      expect(second).toMatchObject({ value: { id: '2', title: 'changed' }, headers: { operation: 'update' } })
      await shape.requestSnapshot({ where: 'chat = 2' })
      await untilEqual(shape, 'chats 1 and 2', () => posts('chat in (1, 2)'))
    })

    it('orders, limits and skips', async () => {
      expect(
        (await subset('subset__order_by=id%20desc&subset__limit=3&subset__offset=1&subset__where=id%20<%2020')).ids,
      ).toEqual([18, 17, 16])
      expect((await subset('where=chat%3D0&subset__order_by=id&subset__limit=2')).ids).toEqual([3, 6])
      expect((await subset(`subset__where=mood%3D'glad'`)).ids).toEqual([])
    })

    it('takes the same by POST, flat or apart', async () => {
      const post = (body: object) =>
        subset('', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
      const asked = { where: 'id > $1', params: { 1: 20 }, order_by: 'id asc', limit: 2 }
      const flat = await post(asked)
      expect(flat.ids).toEqual([21, 22])
      expect((await post({ subset: asked })).ids).toEqual([21, 22])
      expect(flat.headers.get('cache-control')).toBe('no-cache')
    })

    it('says which transactions the rows hold, and where the log goes on', async () => {
      const { data, metadata, headers } = await subset('subset__where=id%3D1')
      expect(metadata).toEqual({
        xmin: expect.stringMatching(/^\d+$/),
        xmax: expect.stringMatching(/^\d+$/),
        xip_list: [],
        snapshot_mark: expect.any(Number),
        database_lsn: expect.stringMatching(/^\d+$/),
      })
      expect(data[0]).toMatchObject({ headers: { operation: 'insert', snapshot_mark: metadata['snapshot_mark'] } })
      expect(headers.get('electric-schema')).toContain('"int4"')
      const [handle, offset] = [headers.get('electric-handle'), headers.get('electric-offset')]
      expect((await ask(`log=changes_only&offset=${offset}&handle=${handle}`)).status).toBe(200)
      expect((await ask(`offset=${offset}&handle=${handle}`)).status).toBe(409)
    })

    it('leaves a reader who is behind where they are', async () => {
      const start = await ask('log=changes_only&offset=now')
      const [handle, offset] = [start.headers.get('electric-handle'), start.headers.get('electric-offset')]
      await target.db.query(`update posts set title = 'meanwhile' where id = 9`)
      const answer = await ask(`log=changes_only&offset=${offset}&handle=${handle}&subset__where=id%3D10`)
      expect(answer.headers.get('electric-offset')).toBe(offset)
    })

    it('names what is wrong', async () => {
      const errors = async (query: string): Promise<unknown> => {
        const answer = await ask(`offset=now&${query}`)
        expect([query, answer.status]).toEqual([query, 400])
        return (await answer.json()).errors
      }
      expect(await errors('log=some')).toEqual({ log: ['is invalid'] })
      expect(await errors('subset__limit=1')).toEqual({
        subset: { order_by: ['order_by is required when limit or offset is present'] },
      })
      expect(await errors('subset__limit=0&subset__order_by=id')).toEqual({
        subset: { limit: ['must be greater than 0'] },
      })
      expect(await errors('subset__where=nope%3D1')).toEqual({
        subset: { where: ['At location 0: unknown reference nope'] },
      })
      expect(await errors('subset__order_by=lower(title)')).toHaveProperty('subset.order_by')
      expect(await errors(`subset__where=mood%3D'angry'`)).toHaveProperty('subset.where')
      expect(await errors('subset__params=1&subset__where=id%3D$1')).toHaveProperty('subset.params')
      expect(await errors('live=true')).toEqual({ live: ["can't be true when offset is 'now'"] })
    })
  })
}
