import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ContractTarget, OpenTarget } from './testing-target.ts'

export function requestsContract(open: OpenTarget): void {
  describe('GET /v1/shape', () => {
    let target: ContractTarget

    beforeAll(async () => {
      target = await open()
      await target.db.query(`
      drop table if exists "Odd.table", kinds;
      create table "Odd.table" (a text, "b/c" int, flag boolean, primary key (a, "b/c"));
      insert into "Odd.table" values ('x/y', 1, true), ('z', 2, null);
      create table kinds (id bigint primary key, u uuid, j jsonb, tags text[], n numeric(10,3), at timestamptz, v varchar(20), c char(4), b bytea, i interval, d date, f float8, m int[][]);
      insert into kinds values (9007199254740993, '00000000-0000-7000-8000-000000000001', '{"b": 1, "a": [null]}', '{x,"y z",NULL}', 12.5,
        '2026-01-02 03:04:05.678+02', '中文', 'ab', '\\xdead', '1 day 2 hours', '2026-02-01', 0.1, '{{1,2},{3,4}}')`)
    })
    afterAll(() => target.close())

    const ask = (query: string, init?: RequestInit): Promise<Response> => target.ask(query, init)
    const rows = async (query: string): Promise<Record<string, never>[]> => (await ask(query)).json()
    const errors = async (query: string): Promise<unknown> => {
      const answer = await ask(query)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      return (await answer.json()).errors
    }
    /** Reads without `live` until the answer is up to date. */
    const drain = async (
      table: string,
    ): Promise<{ messages: Record<string, unknown>[]; handle: string; offset: string; answers: number }> => {
      let [offset, handle, answers] = ['-1', '', 0]
      const messages: Record<string, unknown>[] = []
      for (;;) {
        const answer = await ask(`table=${table}&offset=${offset}&handle=${handle}`)
        expect(answer.status).toBe(200)
        messages.push(...(await answer.json()))
        offset = answer.headers.get('electric-offset') ?? ''
        handle = answer.headers.get('electric-handle') ?? ''
        answers += 1
        if (answer.headers.has('electric-up-to-date')) return { messages, handle, offset, answers }
      }
    }

    it('is not there without the secret of the server, and needs it in the request', async () => {
      expect((await target.askAt('/v1/shape?table=kinds&offset=-1')).status).toBe(401)
      expect((await target.askAt('/v1/shape?table=kinds&offset=-1&secret=wrong')).status).toBe(401)
      expect((await target.askAt(`/v1/shape?table=kinds&offset=-1&api_secret=${target.secret}`)).status).toBe(200)
    })

    it('answers OPTIONS without a secret, HEAD without a body, health in a word', async () => {
      const options = await target.askAt('/v1/shape', {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example' },
      })
      expect(options.status).toBe(204)
      expect(options.headers.get('access-control-max-age')).toBe('86400')
      expect(options.headers.get('access-control-allow-origin')).toBe('https://a.example')
      const head = await ask('table=kinds&offset=-1', { method: 'HEAD' })
      expect([head.status, head.headers.get('electric-offset'), await head.text()]).toEqual([200, '0_0', ''])
      expect(await (await target.askAt('/v1/health')).json()).toEqual({ status: 'active' })
    })

    it('names what is wrong with a request', async () => {
      expect(await errors('table=kinds')).toEqual({ offset: ["can't be blank"] })
      expect(await errors('table=kinds&offset=a')).toEqual({ offset: ['has invalid format'] })
      expect(await errors('table=kinds&offset=0_0')).toEqual({ handle: ["can't be blank when offset != -1"] })
      expect(await errors('table=kinds&offset=-1&live=true')).toEqual({ live: ["can't be true when offset == -1"] })
      expect(await errors('offset=-1')).toEqual({ table: ["can't be blank"] })
      expect(await errors('table=nope&offset=-1')).toHaveProperty('table')
      expect(await errors('table=kinds&offset=-1&columns=u')).toHaveProperty('columns')
      expect(await errors('table=kinds&offset=-1&columns=id,nope')).toHaveProperty('columns')
      expect(await errors('table=kinds&offset=-1&where=foo%3D1')).toEqual({
        where: ['At location 0: unknown reference foo'],
      })
      expect(await errors('table=kinds&offset=-1&where=id%3D$1')).toEqual({
        where: ['At location 3: parameter $1 was not provided'],
      })
      expect(await errors(`table=kinds&offset=-1&where=${encodeURIComponent("d > 'no date'")}`)).toHaveProperty('where')
      expect(await errors('table=kinds&offset=-1&replica=half')).toEqual({ replica: ['is invalid'] })
    })

    it('writes keys, relations and booleans of a snapshot as Electric does', async () => {
      const [first, second] = await rows('table="Odd.table"&offset=-1')
      expect(first).toEqual({
        key: '"public"."Odd..table"/"x//y"/"1"',
        value: { a: 'x/y', 'b/c': '1', flag: 'true' },
        headers: { operation: 'insert', relation: ['public', 'Odd.table'] },
      })
      expect(second).toMatchObject({ value: { flag: null } })
    })

    it('prints every type the same in snapshot and log', async () => {
      const before = await drain('kinds')
      await target.db.query(
        'insert into kinds select id + 1, u, j, tags, n, at, v, c, b, i, d, f, m from kinds where id = 9007199254740993',
      )
      await expect.poll(async () => (await drain('kinds')).messages.filter((message) => message['key']).length).toBe(2)
      const { messages } = await drain('kinds')
      const [snapshot, log] = messages.filter((message) => message['key'])
      expect(log?.['value']).toEqual({ ...Object(snapshot?.['value']), id: '9007199254740994' })
      expect(snapshot?.['value']).toMatchObject({
        at: '2026-01-02 01:04:05.678+00',
        i: 'P1DT2H',
        b: '\\xdead',
        c: 'ab  ',
        n: '12.500',
        d: '2026-02-01',
      })
      expect(before.answers).toBeGreaterThan(1)
    })

    it('describes the columns when the read is not live', async () => {
      const schema = JSON.parse((await ask('table=kinds&offset=-1')).headers.get('electric-schema') ?? '')
      expect(schema).toMatchObject({
        id: { type: 'int8', not_null: true, pk_index: 0 },
        tags: { type: 'text', dims: 1 },
        n: { type: 'numeric', precision: 10, scale: 3 },
        v: { type: 'varchar', max_length: 20 },
        c: { type: 'bpchar', length: 4 },
        j: { type: 'jsonb' },
      })
      expect(schema.j).not.toHaveProperty('dims')
    })

    it('ends a live read without news with the cursor and an empty page', async () => {
      const { handle, offset } = await drain('kinds')
      const answer = await ask(`table=kinds&offset=${offset}&handle=${handle}&live=true`)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('electric-has-data')).toBe('false')
      expect(answer.headers.get('electric-cursor')).toMatch(/^\d+$/)
      expect(answer.headers.get('electric-schema')).toBeNull()
      expect(await answer.json()).toMatchObject([{ headers: { control: 'up-to-date' } }])
    })

    it('gives replica=full the old values of what changed', async () => {
      const start = await ask('table="Odd.table"&replica=full&offset=now')
      const [handle, offset] = [start.headers.get('electric-handle'), start.headers.get('electric-offset')]
      const news = ask(`table="Odd.table"&replica=full&offset=${offset}&handle=${handle}&live=true`)
      await target.db.query(`update "Odd.table" set flag = false where a = 'x/y'`)
      expect((await (await news).json())[0]).toMatchObject({
        value: { a: 'x/y', 'b/c': '1', flag: 'f' },
        old_value: { flag: 't' },
        headers: { operation: 'update', last: true, op_position: 0 },
      })
    })

    it('answers 304 to a page that has not changed, 400 to an offset beyond the end, 409 to an unknown handle', async () => {
      const page = await ask('table=kinds&offset=-1')
      const etag = page.headers.get('etag') ?? ''
      expect((await ask('table=kinds&offset=-1', { headers: { 'if-none-match': etag } })).status).toBe(304)
      const handle = page.headers.get('electric-handle')
      const beyond = await ask(`table=kinds&offset=99999999999999_0&handle=${handle}`)
      expect([beyond.status, await beyond.json()]).toEqual([
        400,
        { message: 'Invalid request', errors: { offset: ['out of bounds for this shape'] } },
      ])
      const unknown = await ask('table=kinds&offset=0_inf&handle=1-1')
      expect([unknown.status, await unknown.json()]).toEqual([409, [{ headers: { control: 'must-refetch' } }]])
      expect(unknown.headers.get('electric-handle')).toBe(handle)
    })
  })
}
