import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../../shared/kernel/id.ts'
import type { Upcast } from '../../../shared/kernel/mutator.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import type { Database } from '../../../server/kernel/db.ts'
import type { Actor } from '../../../server/kernel/request.ts'
import { openTestDatabase } from '../../../server/kernel/testing/database-pool.ts'
import { buildPerson } from '../../../server/kernel/testing/people.ts'
import { chatHooks } from '../../../server/chat/on-mutation.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import type { Mutation, PushBody } from '../../protocol/push.ts'
import { push, type PushDeps } from './push.ts'

let db: Database
let drop: () => Promise<void>
let deps: PushDeps
let anna: Actor
let boris: Actor

beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
  deps = {
    db,
    mutators: MUTATORS,
    hooks: chatHooks({
      worker: undefined,
      notifyRuns: () => undefined,
      notifyCancel: () => undefined,
      dailyTokens: async () => 1_000_000,
    }),
  }
  anna = await buildPerson(db)
  boris = await buildPerson(db)
})
afterAll(() => drop())

let seq = 0
function mutation(name: string, args: Record<string, unknown>, more: Partial<Mutation> = {}): Mutation {
  seq += 1
  const now = Date.now()
  return {
    id: newId(),
    seq,
    name,
    version: 1,
    args,
    hlc: `${String(now).padStart(13, '0')}-0000-${'a'.repeat(8)}`,
    created_at: new Date(now).toISOString(),
    ...more,
  }
}

const body = (device_id: string, ...mutations: Mutation[]): PushBody => ({
  protocol: PROTOCOL_VERSION,
  device_id,
  mutations,
})
const count = async (sql: string, values: unknown[]) =>
  Number((await db.query<{ n: number }>(`select count(*)::int as n ${sql}`, values))[0]?.n)

/** As if `preference.set` had come to this version. */
function withPreferences(version: number, upcasts: Record<number, Upcast>): PushDeps {
  const mutators = Object.values(MUTATORS).map((each) =>
    each.name === 'preference.set' ? { ...each, version, upcasts } : each,
  )
  return { ...deps, mutators: Object.fromEntries(mutators.map((each) => [each.name, each])) }
}

async function agentWithDraft(actor: Actor): Promise<{ agent_id: string; draft_id: string; device: string }> {
  const ids = { agent_id: newId(), draft_id: newId(), device: newId() }
  const { results } = await push(
    deps,
    actor,
    body(
      ids.device,
      mutation('agent.create', {
        agent_id: ids.agent_id,
        draft_id: ids.draft_id,
        fields: { name: 'Test', system_prompt: 'Be brief.' },
      }),
    ),
  )
  expect(results[0]?.status).toBe('applied')
  return ids
}

function firstMessage(agent_id: string) {
  return {
    chat_id: newId(),
    parent_message_id: null,
    user_message_id: newId(),
    answer_message_id: newId(),
    execution_id: newId(),
    content: '你好',
    chat: { agent_id, agent_version_id: null, source: 'draft', title: '你好' },
  }
}

describe('push', () => {
  it('applies a mutation once when it arrives twenty times in parallel', async () => {
    const { agent_id, device } = await agentWithDraft(anna)
    const args = firstMessage(agent_id)
    const sent = mutation('message.send', args)
    const replies = await Promise.all(Array.from({ length: 20 }, () => push(deps, anna, body(device, sent))))
    const statuses = replies.map(({ results }) => results[0]?.status)
    expect(statuses.filter((status) => status === 'applied')).toHaveLength(1)
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(19)
    expect(await count('from chat_messages where chat_id = $1', [args.chat_id])).toBe(2)
    expect(await count('from run_queue where execution_id = $1', [args.execution_id])).toBe(1)
    expect(await count('from audit_log where object_id = $1', [args.execution_id])).toBe(1)
    expect(await count('from mutation_ledger where mutation_id = $1', [sent.id])).toBe(1)
  })

  it('knows a mutation again under a later place in the outbox, and moves the device on', async () => {
    const { agent_id, device } = await agentWithDraft(anna)
    const sent = mutation('message.send', firstMessage(agent_id))
    await push(deps, anna, body(device, sent))
    seq += 1
    const { results } = await push(deps, anna, body(device, { ...sent, seq }))
    expect(results).toEqual([{ id: sent.id, status: 'duplicate' }])
    expect(await count('from acks where device_id = $1 and last_seq = $2', [device, seq])).toBe(1)
  })

  it('freezes a draft into one snapshot however often it runs unchanged', async () => {
    const { agent_id, device } = await agentWithDraft(anna)
    for (let turn = 0; turn < 3; turn++)
      await push(deps, anna, body(device, mutation('message.send', firstMessage(agent_id))))
    expect(await count("from agent_versions where agent_id = $1 and kind = 'draft'", [agent_id])).toBe(1)
    expect(await count('from agent_usages where agent_id = $1 and usage_count = 3', [agent_id])).toBe(1)
  })

  it('lets a message wait for the answer it follows', async () => {
    const { agent_id, device } = await agentWithDraft(anna)
    const first = firstMessage(agent_id)
    const { chat: _chat, ...second } = {
      ...firstMessage(agent_id),
      chat_id: first.chat_id,
      parent_message_id: first.answer_message_id,
    }
    const { results } = await push(
      deps,
      anna,
      body(device, mutation('message.send', first), mutation('message.send', second)),
    )
    expect(results.map(({ status }) => status)).toEqual(['applied', 'applied'])
    expect(
      await count('from run_queue where execution_id = $1 and blocked_by = $2', [
        second.execution_id,
        first.execution_id,
      ]),
    ).toBe(1)
  })

  it('refuses to run somebody else’s draft, and moves the device on', async () => {
    const { agent_id } = await agentWithDraft(anna)
    const device = newId()
    const sent = mutation('message.send', firstMessage(agent_id))
    const first = await push(deps, boris, body(device, sent))
    expect(first.results[0]).toMatchObject({ status: 'rejected', error: { code: 'agent/not-runnable' } })
    const again = await push(deps, boris, body(device, sent))
    expect(again.results[0]).toMatchObject({ status: 'duplicate', error: { code: 'agent/not-runnable' } })
    expect(await count('from acks where device_id = $1 and last_seq = $2', [device, sent.seq])).toBe(1)
    expect(await count("from audit_log where actor_id = $1 and outcome = 'refused'", [boris.user_id])).toBeGreaterThan(
      0,
    )
  })

  it('finds no row of another person, by any id', async () => {
    const { agent_id, draft_id, device } = await agentWithDraft(anna)
    const message = firstMessage(agent_id)
    await push(deps, anna, body(device, mutation('message.send', message)))
    const own = newId()
    const attempts = [
      mutation('chat.update', { id: message.chat_id, set: { title: 'mine now' } }),
      mutation('chat.delete', { id: message.chat_id }),
      mutation('message.delete', { id: message.user_message_id }),
      mutation('draft.update', { id: draft_id, set: { name: 'mine now' } }),
      mutation('branch.choose', {
        chat_id: message.chat_id,
        fork_id: message.chat_id,
        child_id: message.user_message_id,
      }),
      mutation('run.stop', { execution_id: message.execution_id, answer_message_id: message.answer_message_id }),
      mutation('message.send', {
        ...firstMessage(agent_id),
        chat_id: message.chat_id,
        chat: undefined,
        parent_message_id: message.answer_message_id,
      }),
    ]
    for (const attempt of attempts) {
      const { results } = await push(deps, boris, body(own, attempt))
      expect(results[0]?.status, attempt.name).toBe('rejected')
    }
    const [chat] = await db.query<{ title: string; status: string }>('select title, status from chats where id = $1', [
      message.chat_id,
    ])
    expect(chat).toEqual({ title: '你好', status: 'active' })
  })

  it('refuses and records a push for another person’s device', async () => {
    const { device } = await agentWithDraft(anna)
    const before = await count('from audit_log where actor_id = $1', [boris.user_id])
    await expect(
      push(deps, boris, body(device, mutation('preference.set', { key: 'theme', value: 'dark' }))),
    ).rejects.toMatchObject({
      code: 'sync/device-of-another-user',
    })
    expect(await count('from audit_log where actor_id = $1', [boris.user_id])).toBe(before + 1)
    expect(await count('from preferences where user_id = $1', [boris.user_id])).toBe(0)
  })

  it('keeps the value with the later clock, whatever arrives last', async () => {
    const device = newId()
    const late = mutation('preference.set', { key: 'language', value: 'en' }, { hlc: '1700000000005-0000-aaaa' })
    const early = mutation('preference.set', { key: 'language', value: 'zh-CN' }, { hlc: '1700000000001-0000-bbbb' })
    await push(deps, anna, body(device, late, early))
    const [row] = await db.query('select value from preferences where user_id = $1 and key = $2', [
      anna.user_id,
      'language',
    ])
    expect(row).toEqual({ value: 'en' })
  })

  it('lets a device whose clock is a day ahead win by it for five minutes at most, and tells it the time', async () => {
    const dora = await buildPerson(db)
    const wrong = newId()
    const start = Date.now()
    const set = (value: number, ms: number) =>
      mutation(
        'preference.set',
        { key: 'theme', value },
        { hlc: `${String(ms).padStart(13, '0')}-0000-${'b'.repeat(8)}` },
      )
    const stored = async () =>
      (await db.query('select value from preferences where user_id = $1', [dora.user_id]))[0]?.['value']

    const day = 24 * 3_600_000
    const ahead = body(wrong, set(1, start + day), set(2, start + day + 1))
    expect(await push({ ...deps, now: () => start }, dora, ahead)).toMatchObject({ now: start })
    expect(await stored()).toBe(2)
    const later = start + 6 * 60_000
    await push({ ...deps, now: () => later }, dora, body(newId(), set(3, later)))
    expect(await stored()).toBe(3)
    await push({ ...deps, now: () => later }, dora, body(wrong, set(4, start)))
    expect(await stored()).toBe(3)
  })

  it('answers malformed arguments with a refusal that names the place', async () => {
    const device = newId()
    const { results } = await push(
      deps,
      anna,
      body(
        device,
        mutation('no.such.mutation', {}),
        mutation('chat.update', { id: 'not an id', set: {} }),
        mutation('preference.set', { key: "x'; drop table users; --", value: 1 }),
        mutation('preference.set', { key: 'nul', value: 'a\u0000b' }),
      ),
    )
    expect(results.map((result) => result.error?.code)).toEqual([
      'sync/unknown-mutation',
      'row/invalid',
      'row/invalid',
      'row/invalid',
    ])
  })

  it('stores SQL and HTML as the text they are', async () => {
    const { agent_id, device } = await agentWithDraft(anna)
    const nasty = `'; drop table users; -- <script>alert(1)</script> \\ $1 %s \u2028 💥`
    const message = { ...firstMessage(agent_id), content: nasty }
    await push(deps, anna, body(device, mutation('message.send', message)))
    const [row] = await db.query('select content from chat_messages where id = $1', [message.user_message_id])
    expect(row).toEqual({ content: nasty })
  })

  it('asks an outdated client to update', async () => {
    const outdated = { ...body(newId(), mutation('preference.set', { key: 'a', value: 1 })), protocol: 0 }
    await expect(push(deps, anna, outdated)).rejects.toMatchObject({ code: 'sync/client-too-old' })
  })

  it('takes arguments of every earlier version, and lets those of a later one wait unharmed', async () => {
    const dora = await buildPerson(db)
    const upcasts = {
      1: ({ name, value }: Record<string, unknown>) => ({ key: String(name).toLowerCase(), value }),
      2: (args: Record<string, unknown>) => ({ ...args, value: [args['value']] }),
    }
    const later = withPreferences(3, upcasts)
    const device = newId()
    const old = [
      mutation('preference.set', { name: 'FIRST', value: 1 }),
      mutation('preference.set', { key: 'second', value: 2 }, { version: 2 }),
      mutation('preference.set', { key: 'third', value: 3 }, { version: 3 }),
    ]
    const { results } = await push(later, dora, body(device, ...old))
    expect(results.map(({ status }) => status)).toEqual(['applied', 'applied', 'applied'])
    const stored = 'select key, value from preferences where user_id = $1 order by key'
    expect(await db.query(stored, [dora.user_id])).toEqual([
      { key: 'first', value: [1] },
      { key: 'second', value: [2] },
      { key: 'third', value: 3 },
    ])

    const known = mutation('preference.set', { key: 'before', value: 0 }, { version: 3 })
    const tooNew = mutation('preference.set', { key: 'fourth', value: 4 }, { version: 4 })
    const queue = body(device, known, tooNew)
    await expect(push(later, dora, queue)).rejects.toMatchObject({ code: 'sync/server-too-old', status: 503 })
    expect(await count('from preferences where user_id = $1', [dora.user_id])).toBe(4)
    expect(await count('from mutation_ledger where mutation_id = $1', [tooNew.id])).toBe(0)
    const again = await push(withPreferences(4, {}), dora, queue)
    expect(again.results.map(({ status }) => status)).toEqual(['duplicate', 'applied'])
  })

  it('refuses, and does not break on, arguments that are not what their version says', async () => {
    const upcasts = { 1: ({ list }: Record<string, unknown>) => ({ key: Object(list)[0].key, value: 0 }) }
    const { results } = await push(
      withPreferences(2, upcasts),
      anna,
      body(newId(), mutation('preference.set', { list: 7 })),
    )
    expect(results).toMatchObject([{ status: 'rejected', error: { code: 'row/invalid' } }])
  })

  it('reserves tokens for runs that have not ended, so that a burst stops at the cap too', async () => {
    const dora = await buildPerson(db)
    const { agent_id, device } = await agentWithDraft(dora)
    await db.query('insert into token_usages (user_id, day, tokens) values ($1, current_date, 997000)', [dora.user_id])
    const burst = Array.from({ length: 4 }, () => mutation('message.send', firstMessage(agent_id)))
    const { results } = await push(deps, dora, body(device, ...burst))
    expect(results.map(({ status }) => status)).toEqual(['applied', 'applied', 'rejected', 'rejected'])
  })

  it('stops at the daily cap of tokens', async () => {
    const carla = await buildPerson(db)
    const { agent_id, device } = await agentWithDraft(carla)
    await db.query('insert into token_usages (user_id, day, tokens) values ($1, current_date, 1000000)', [
      carla.user_id,
    ])
    const { results } = await push(deps, carla, body(device, mutation('message.send', firstMessage(agent_id))))
    expect(results[0]).toMatchObject({ status: 'rejected', error: { code: 'run/quota' } })
  })
})
