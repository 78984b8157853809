import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QUERIES } from '../../shared/registry.ts'
import { newId } from '../../shared/kernel/id.ts'
import { scopedStatement } from '../../sync/server/query/run-query.ts'
import { readStatement } from '../../sync/server/push/read-rows.ts'
import { runInputs } from '../chat/conversation.repository.ts'
import type { Database, Queryable } from '../kernel/db.ts'
import { openTestDatabase } from '../kernel/testing/database-pool.ts'
import { searchStore } from '../store/store.repository.ts'
import { RunQueue } from '../workflow/run-queue.repository.ts'
import { seed } from './seed/seed.ts'

/**
 * The query book: what the hot statements read, and by which index, on tables with rows in them. Reviewed as a file:
 * a change of plan shows in a diff. UPDATE_QUERY_BOOK=1 writes it anew.
 */
const book = path.resolve(import.meta.dirname, 'query-book.txt')

/** Tables that grow with use: no hot statement may read them from end to end. */
const GROWING = [
  'chats',
  'chat_messages',
  'workflow_executions',
  'agent_usages',
  'acks',
  'mutation_ledger',
  'branch_choices',
  'agents',
  'agent_installs',
]

let db: Database
let drop: () => Promise<void>
const user = newId()

beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
  await seed(db)
  await furnish(db)
}, 120_000)
afterAll(() => drop())

/** 100 people, 2,000 chats, 60,000 messages, 20,000 runs, 2,000 published agents. */
async function furnish(on: Database): Promise<void> {
  await on.query(
    `insert into users (id, name, email) select gen_random_uuid(), 'p', gen_random_uuid() || '@example.com' from generate_series(1, 99)`,
  )
  await on.query(`insert into users (id, name, email) values ($1, 'me', 'me@example.com')`, [user])
  await on.query(`insert into agents (id, name, developer_id, slug, status, published_at, search, download_count)
    select gen_random_uuid(), 'agent ' || n, (select id from users order by md5(id::text || n) limit 1), 'agent-' || n, 'published', now(),
      array_to_tsvector(array['agent', 'word' || n % 100]), n from generate_series(1, 2000) n`)
  await on.query(`insert into agent_versions (id, agent_id, version, content_hash, workflow_definition, is_current, created_by)
    select gen_random_uuid(), id, '1.0.0', md5(id::text), '{}', true, developer_id from agents a
    where not exists (select 1 from agent_versions where agent_id = a.id)`)
  await on.query(`insert into chats (id, user_id, agent_id, agent_version_id)
    select gen_random_uuid(), u.id, v.agent_id, v.id from users u, generate_series(1, 20) n,
      lateral (select id, agent_id from agent_versions where is_current order by md5(id::text || n || u.id) limit 1) v`)
  await on.query(`insert into chat_messages (id, chat_id, role, content, user_id)
    select gen_random_uuid(), c.id, case when n % 2 = 0 then 'user' else 'assistant' end, repeat('字', 100), c.user_id
    from chats c, generate_series(1, 30) n`)
  await on.query(`insert into workflow_executions (execution_id, chat_id, message_id, answer_message_id, agent_version_id, thread_id, user_id, status)
    select gen_random_uuid(), m.chat_id, m.id, m.id, c.agent_version_id, m.id::text, m.user_id, 'completed'
    from chat_messages m join chats c on c.id = m.chat_id where m.seq % 3 = 0`)
  await on.query(
    `insert into acks (device_id, user_id, last_seq) select gen_random_uuid(), id, 1 from users, generate_series(1, 20)`,
  )
  await on.query(`insert into mutation_ledger (mutation_id, device_id, seq, user_id, name, status)
    select gen_random_uuid(), device_id, n, user_id, 'x', 'applied' from acks, generate_series(1, 10) n`)
  await on.query(`insert into agent_installs (id, user_id, agent_id, agent_version_id, version, name)
    select gen_random_uuid(), u.id, v.agent_id, v.id, v.version, 'x' from users u, lateral (
      select * from agent_versions where is_current order by md5(id::text || u.id) limit 20) v`)
  await on.query(
    `insert into agent_drafts (id, agent_id, user_id, name) select gen_random_uuid(), id, developer_id, name from agents`,
  )
  await on.query(`insert into branch_choices (user_id, chat_id, fork_id, child_id, hlc)
    select user_id, chat_id, id, id, 'x' from chat_messages where seq % 10 = 0`)
  await on.query(`insert into preferences (user_id, key, value, hlc)
    select id, 'key-' || n, '1', 'x' from users, generate_series(1, 30) n`)
  await on.query(`insert into run_queue (execution_id, user_id)
    select execution_id, user_id from workflow_executions limit 2000`)
  await on.query('analyze')
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  Plans?: PlanNode[]
}

/** What a statement reads, from its generic plan: the one a prepared statement ends up with. */
async function readsOf(text: string): Promise<string[]> {
  // GENERIC_PLAN explains a text with placeholders, without values.
  const { rows } = await db.pool.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `explain (generic_plan, format json) ${text}`,
  )
  const reads = new Set<string>()
  const walk = (node: PlanNode): void => {
    const table = node['Relation Name']
    const index = node['Index Name']
    // By a bitmap or directly is the planner's mood; which index it is, is the design.
    if (index) reads.add(index)
    else if (table && /Seq Scan/.test(node['Node Type'])) reads.add(`${table}: seq scan`)
    for (const child of node.Plans ?? []) walk(child)
  }
  for (const { Plan } of rows[0]?.['QUERY PLAN'] ?? []) walk(Plan)
  return [...reads].sort()
}

/** Catches the texts that a repository would run. */
function listener(texts: string[]): Queryable {
  return {
    query: async (statement) => {
      texts.push(typeof statement === 'string' ? statement : statement.text)
      return []
    },
  }
}

async function hotStatements(): Promise<[string, string][]> {
  const named = Object.values(QUERIES).map((query): [string, string] => {
    const count = new Set(query.sql.match(/\$\d+/g) ?? []).size
    return [
      `query ${query.name}`,
      scopedStatement(
        query,
        Array.from({ length: count }, () => null),
        user,
      ).text,
    ]
  })
  const caught = async (name: string, run: (on: Queryable) => Promise<unknown>): Promise<[string, string][]> => {
    const texts: string[] = []
    await run(listener(texts)).catch(() => undefined)
    return texts.map((text, index) => [`${name}${index > 0 ? ` ${index + 1}` : ''}`, text])
  }
  const key = { table: 'chats', key: { id: user } }
  const push = readStatement({
    device_id: user,
    user_id: user,
    mutation_id: user,
    keys: [key, { table: 'chat_messages', key: { id: user } }],
    lock: false,
  })
  return [
    ...named,
    ['push reads', push.text],
    ...(await caught('run inputs', (on) => runInputs(on, [user]))),
    ...(await caught('store search', (on) => searchStore(on, user, { q: 'word7', sort: 'popular', offset: 0 }))),
    ...(await caught('store front', (on) => searchStore(on, user, { sort: 'popular', offset: 0 }))),
    ...(await caught('queue claim', (on) => new RunQueue({ ...db, query: on.query }, 'worker', 10_000).claim(20, 8))),
  ]
}

describe('hot statements', () => {
  it('read as the query book says', async () => {
    const lines: string[] = []
    for (const [name, text] of await hotStatements())
      lines.push(name, ...(await readsOf(text)).map((read) => `  ${read}`))
    const written = `${lines.join('\n')}\n`
    if (process.env['UPDATE_QUERY_BOOK'] === '1') await writeFile(book, written)
    expect(written).toBe(await readFile(book, 'utf8'))
  })

  it('read no growing table from end to end', async () => {
    for (const [name, text] of await hotStatements()) {
      const whole = (await readsOf(text)).filter((read) => GROWING.some((table) => read === `${table}: seq scan`))
      expect(whole, name).toEqual([])
    }
  })
})
