import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textRows, untilEqual } from '../testing.ts'
import type { ContractTarget, OpenTarget } from './testing-target.ts'

export function eventStreamContract(open: OpenTarget): void {
  describe('a live read as server-sent events', () => {
    let target: ContractTarget

    beforeAll(async () => {
      target = await open()
      await target.db.query(
        `drop table if exists news; create table news (id int primary key, title text); insert into news select n, repeat('long ', 20) from generate_series(1, 100) n`,
      )
    })
    afterAll(() => target.close())

    const same = (shape: Shape): Promise<void> =>
      untilEqual(shape, 'news', () => textRows(target.db, 'select * from news'))

    it('brings many changes of the unmodified client over one request', async () => {
      const requests: string[] = []
      const counting: typeof fetch = (input, init) => {
        requests.push(String(input))
        return fetch(input, init)
      }
      const shape = new Shape(target.stream({ table: 'news' }, { liveSse: true, fetchClient: counting }))
      await same(shape)
      for (let n = 0; n < 10; n += 1) {
        await target.db.query(`update news set title = $1 where id <= 5`, [`edition ${n}`])
        await same(shape)
      }
      await target.db.query('delete from news where id > 90')
      await same(shape)
      const live = requests.filter((url) => url.includes('live=true'))
      expect(live.length).toBeLessThanOrEqual(2)
      expect(live.every((url) => url.includes('live_sse=true'))).toBe(true)
    })

    it('begins at once, and says nothing until there is news', async () => {
      const start = await target.ask(`table=news&offset=now`)
      const [handle, offset] = [start.headers.get('electric-handle'), start.headers.get('electric-offset')]
      const stop = new AbortController()
      const stream = await target.ask(`table=news&offset=${offset}&handle=${handle}&live=true&live_sse=true`, {
        signal: stop.signal,
      })
      expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
      const first = stream.body?.getReader().read()
      const early = await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 150, 'nothing'))])
      expect(early).toBe('nothing')
      await target.db.query(`update news set title = 'at last' where id = 3`)
      expect(new TextDecoder().decode((await first)?.value)).toContain('at last')
      stop.abort()
    })

    it('tells nothing twice to a reader who comes again', async () => {
      const cut = new AbortController()
      const first = target.stream({ table: 'news' }, { liveSse: true, signal: cut.signal })
      const shape = new Shape(first)
      await same(shape)
      await target.db.query(`insert into news select n, 'in one transaction' from generate_series(201, 205) n`)
      await same(shape)
      const { lastOffset, shapeHandle } = first
      cut.abort()
      const again = await target.ask(`table=news&offset=${lastOffset}&handle=${shapeHandle}`)
      expect([again.status, await again.json()]).toMatchObject([200, [{ headers: { control: 'up-to-date' } }]])
    })

    it('tells its reader when the shape ends, who then fetches anew', async () => {
      const shape = new Shape(target.stream({ table: 'news' }, { liveSse: true }))
      await same(shape)
      await target.db.query(`alter table news add column place text default 'here'`)
      await target.db.query(`update news set title = 'moved' where id = 1`)
      await same(shape)
      expect([...shape.currentValue.values()][0]).toHaveProperty('place')
    })

    it('needs live, and answers plainly where it cannot begin', async () => {
      const ask = (query: string): Promise<Response> => target.ask(`table=news&${query}`)
      const withoutLive = await ask('offset=-1&live_sse=true')
      expect([withoutLive.status, (await withoutLive.json()).errors]).toEqual([
        400,
        { live_sse: ["can't be true unless live is also true"] },
      ])
      const unknown = await ask('offset=0_inf&handle=1-2&live=true&live_sse=true')
      expect([unknown.status, unknown.headers.get('content-type')]).toEqual([409, 'application/json; charset=utf-8'])
    })
  })
}
