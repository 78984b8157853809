import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isVisible } from '../../core/snapshot-visibility.ts'
import type { SubsetAnswer } from '../../protocol/subset.ts'
import { newId } from '../../../shared/kernel/id.ts'
import { SECRET, startShapeHarness, type ShapeHarness } from '../testing.ts'
import { textOf } from '../http/page-body.ts'
import { createElectricUpstream } from './electric-upstream.ts'
import { createGateway } from './gateway.ts'

describe('subsets of messages, by name', () => {
  const [ann, bob, agent, old, young, bobs] = [newId(), newId(), newId(), newId(), newId(), newId()]
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness()
    await harness.db.query(
      `insert into users (id, name, email) values ('${ann}', 'Ann', 'ann@x.org'), ('${bob}', 'Bob', 'bob@x.org');
       insert into agents (id, name, developer_id, slug) values ('${agent}', 'A', '${ann}', 'a');
       insert into chats (id, user_id, agent_id, source)
         values ('${old}', '${ann}', '${agent}', 'draft'), ('${young}', '${ann}', '${agent}', 'draft'), ('${bobs}', '${bob}', '${agent}', 'draft');
       insert into chat_messages (id, chat_id, role, content, user_id, created_at)
         select gen_random_uuid(), '${old}', 'user', 'old ' || n, '${ann}', now() - interval '60 days' from generate_series(1, 5) n;
       insert into chat_messages (id, chat_id, role, content, user_id)
         select gen_random_uuid(), '${young}', 'user', 'young ' || n, '${ann}' from generate_series(1, 3) n;
       insert into chat_messages (id, chat_id, role, content, user_id) values (gen_random_uuid(), '${bobs}', 'user', 'of bob', '${bob}')`,
    )
  })
  afterAll(() => harness.close())

  const ask = (query: Record<string, string>): Promise<Response> =>
    fetch(`${harness.url}/api/sync/shapes/messages?${new URLSearchParams({ log: 'changes_only', ...query })}`, {
      headers: { 'x-user': ann },
    })
  const subset = async (query: Record<string, string>) => {
    const answer = await ask({ offset: 'now', ...query })
    expect(answer.status).toBe(200)
    const body: SubsetAnswer = await answer.json()
    const headers = { handle: answer.headers.get('electric-handle'), offset: answer.headers.get('electric-offset') }
    return { ...body, ...headers, texts: body.data.map(({ value }) => value['content']) }
  }
  const monthAgo = (): string => new Date(Date.now() - 30 * 86_400_000).toISOString()

  it('are one chat, or what was written since a time', async () => {
    expect((await subset({ subset: 'chat', value: old })).texts).toEqual(['old 5', 'old 4', 'old 3', 'old 2', 'old 1'])
    expect((await subset({ subset: 'since', value: monthAgo() })).texts).toEqual(['young 3', 'young 2', 'young 1'])
  })

  it('come in pages', async () => {
    const page = await subset({ subset: 'chat', value: old, limit: '2' })
    expect(page.texts).toEqual(['old 5', 'old 4'])
    const before = String(page.data.at(-1)?.value['seq'])
    expect((await subset({ subset: 'chat', value: old, limit: '5', before })).texts).toEqual([
      'old 3',
      'old 2',
      'old 1',
    ])
  })

  it('never hold anybody else’s rows', async () => {
    expect((await subset({ subset: 'chat', value: bobs })).texts).toEqual([])
    const since = await subset({ subset: 'since', value: '2000-01-01T00:00:00Z' })
    expect(since.texts).toHaveLength(8)
    expect(JSON.stringify(since)).not.toContain('of bob')
  })

  it.each([
    [{ subset: 'other', value: old }],
    [{ subset: 'constructor', value: old }],
    [{ subset: 'chat', value: `${old}' or true --` }],
    [{ subset: 'chat', value: '' }],
    [{ subset: 'since', value: 'yesterday' }],
    [{ subset: 'chat', value: old, limit: '0' }],
    [{ subset: 'chat', value: old, limit: '1001' }],
    [{ subset: 'chat', value: old, before: '1 or true' }],
    [{ subset: 'chat', value: old, log: 'full' }],
    [{ subset__where: 'true' }],
  ])('are refused when they are not what the shape offers: %j', async (query: Record<string, string>) => {
    expect((await ask({ offset: 'now', ...query })).status).toBe(400)
  })

  it('meet the log without a gap', async () => {
    const rows = await subset({ subset: 'chat', value: young })
    const id = rows.data[0]?.value['id']
    await harness.db.query(`update chat_messages set content = 'after' where id = $1`, [id])
    const place = { offset: rows.offset ?? '', handle: rows.handle ?? '' }
    const news = await (await ask({ ...place, live: 'true' })).json()
    expect(news[0]).toMatchObject({ value: { id, content: 'after' }, headers: { operation: 'update' } })
    const { xmin, xmax, xip_list } = rows.metadata
    const sight = { xmin: BigInt(xmin), xmax: BigInt(xmax), running: new Set(xip_list.map(BigInt)) }
    expect(isVisible(sight, news[0].headers.txids[0])).toBe(false)
    const later = await subset({ ...place, subset: 'chat', value: young })
    expect([later.offset, later.texts[0]]).toEqual([place.offset, 'after'])
    expect((await ask({ ...place, handle: '1-1', subset: 'chat', value: young })).status).toBe(409)
  })

  it('are the same in front of an Electric elsewhere', async () => {
    // Our own /v1/shape stands in for it.
    const upstream = createElectricUpstream({ url: harness.url, secret: SECRET })
    const query = { log: 'changes_only', offset: 'now', subset: 'since', value: monthAgo(), limit: '2' }
    const answer = await createGateway({ upstream }).handle(
      { shape: 'messages', query, user_id: ann, epoch: 1 },
      new AbortController().signal,
    )
    await upstream.close()
    expect(answer).toMatchObject({ status: 200, headers: { 'electric-handle': expect.any(String) } })
    const { data }: SubsetAnswer = JSON.parse(await textOf(answer.body))
    expect(data.map(({ value }) => value['content'])).toEqual(['after', 'young 2'])
  })
})
