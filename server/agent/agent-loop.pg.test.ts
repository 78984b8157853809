import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import { seed } from '../app/seed/seed.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { openTestDatabase } from '../kernel/testing/database-pool.ts'
import { buildPerson } from '../kernel/testing/people.ts'
import { installAgent } from '../store/install-agent.ts'
import { rateAgent } from '../store/rate-agent.ts'
import { searchStore } from '../store/store.repository.ts'
import { decideReview, listReviews, readReview, tryReview } from './review.ts'
import { submitAgent, withdrawVersion } from './submit-agent.ts'

let db: Database
let drop: () => Promise<void>
let developer: Actor
let reviewer: Actor
let user: Actor

beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
  await seed(db)
  developer = await buildPerson(db)
  reviewer = await buildPerson(db, ['user', 'reviewer'])
  user = await buildPerson(db, ['user'])
})
afterAll(() => drop())

async function buildAgent(
  owner: Actor,
  more: { name?: string; system_prompt?: string; workflow_definition?: unknown } = {},
): Promise<string> {
  const agent_id = newId()
  const name = more.name ?? `Agent ${agent_id.slice(-6)}`
  await db.query('insert into agents (id, name, developer_id, slug) values ($1, $2, $3, $4)', [
    agent_id,
    name,
    owner.user_id,
    `a-${agent_id}`,
  ])
  await db.query(
    `insert into agent_drafts (id, agent_id, user_id, name, description, system_prompt, workflow_definition)
     values ($1, $2, $3, $4, '一个会写周报的智能体', $5, $6)`,
    [
      newId(),
      agent_id,
      owner.user_id,
      name,
      more.system_prompt ?? 'secret prompt',
      more.workflow_definition ? JSON.stringify(more.workflow_definition) : null,
    ],
  )
  return agent_id
}

const submission = (agent_id: string, version = '1.0.0') => ({ agent_id, version, changelog: 'first', revision: 1 })
const audits = async (action: string, id: string) =>
  (await db.query('select 1 from audit_log where action = $1 and object_id = $2', [action, id])).length

describe('the way of an agent into the store', () => {
  it('goes from draft over review to everybody, every step audited', async () => {
    const agent_id = await buildAgent(developer, { name: '周报小助手' })
    const release = await submitAgent(db, developer, submission(agent_id))
    expect(release).toMatchObject({ state: 'submitted', version: '1.0.0', is_current: false })
    expect((await searchStore(db, user.user_id, { q: '周报', sort: 'popular', offset: 0 })).total).toBe(0)

    expect((await listReviews(db, reviewer, 'open')).map((review) => review.version_id)).toContain(release.id)
    const decided = await decideReview(db, reviewer, release.id, { decision: 'approve', reason: '' })
    expect(decided.state).toBe('approved')

    const found = await searchStore(db, user.user_id, { q: '周报', sort: 'popular', offset: 0 })
    expect(found.agents[0]).toMatchObject({ id: agent_id, version: '1.0.0', installed: false })
    expect(JSON.stringify(found)).not.toContain('secret prompt')
    const install = await installAgent(db, user, agent_id)
    expect(install).toMatchObject({ agent_version_id: release.id, version: '1.0.0' })
    expect(JSON.stringify(install)).not.toContain('secret prompt')

    for (const [action, id] of [
      ['agent.submit', release.id],
      ['review.approve', release.id],
      ['store.install', agent_id],
    ] as const) {
      expect(await audits(action, id), action).toBe(1)
    }
  })

  it('lets nobody decide about an agent of their own, whatever their role', async () => {
    const both = await buildPerson(db, ['user', 'developer', 'reviewer', 'admin'])
    const agent_id = await buildAgent(both)
    const release = await submitAgent(db, both, submission(agent_id))
    await expect(decideReview(db, both, release.id, { decision: 'approve', reason: '' })).rejects.toMatchObject({
      code: 'review/own-agent',
    })
    await expect(tryReview(db, both, release.id)).rejects.toMatchObject({ code: 'review/own-agent' })
  })

  it('wants a reason for a rejection, and decides once', async () => {
    const agent_id = await buildAgent(developer)
    const release = await submitAgent(db, developer, submission(agent_id))
    await expect(decideReview(db, reviewer, release.id, { decision: 'reject', reason: '  ' })).rejects.toMatchObject({
      code: 'review/reason-required',
    })
    const decisions = await Promise.allSettled([
      decideReview(db, reviewer, release.id, { decision: 'reject', reason: 'prompt leaks' }),
      decideReview(db, reviewer, release.id, { decision: 'approve', reason: '' }),
    ])
    expect(decisions.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('allows one open submission, which may be withdrawn, and versions only upwards', async () => {
    const agent_id = await buildAgent(developer)
    const first = await submitAgent(db, developer, submission(agent_id, '1.2.0'))
    await expect(submitAgent(db, developer, submission(agent_id, '1.3.0'))).rejects.toMatchObject({
      code: 'agent/already-submitted',
    })
    await withdrawVersion(db, developer, agent_id, first.id)
    await expect(submitAgent(db, developer, submission(agent_id, '1.1.9'))).rejects.toMatchObject({
      code: 'row/exists',
    })
    await expect(submitAgent(db, user, submission(agent_id, '1.3.0'))).rejects.toMatchObject({
      code: 'agent/not-yours',
    })
    await expect(submitAgent(db, developer, { ...submission(agent_id, '1.3.0'), revision: 7 })).rejects.toMatchObject({
      code: 'agent/draft-conflict',
    })
  })

  it('shows a reviewer the last approved version to compare with', async () => {
    const agent_id = await buildAgent(developer, { system_prompt: 'old words' })
    const first = await submitAgent(db, developer, submission(agent_id, '1.0.0'))
    await decideReview(db, reviewer, first.id, { decision: 'approve', reason: 'fine' })
    await db.query("update agent_drafts set system_prompt = 'new words', revision = 2 where agent_id = $1", [agent_id])
    const second = await submitAgent(db, developer, { ...submission(agent_id, '1.1.0'), revision: 2 })
    const review = await readReview(db, reviewer, second.id)
    expect(review.submitted.system_prompt).toBe('new words')
    expect(review.approved?.system_prompt).toBe('old words')
    await decideReview(db, reviewer, second.id, { decision: 'approve', reason: '' })
    expect((await readReview(db, reviewer, first.id)).approved).toBeNull()
    expect(await db.query('select version from agent_versions where agent_id = $1 and is_current', [agent_id])).toEqual(
      [{ version: '1.1.0' }],
    )
  })

  it('refuses to freeze a workflow that cannot run', async () => {
    const agent_id = await buildAgent(developer, {
      workflow_definition: {
        version: 1,
        nodes: [{ node_name: 'start', node_type: 'start', node_config: {} }],
        edges: [],
      },
    })
    await expect(submitAgent(db, developer, submission(agent_id))).rejects.toMatchObject({ code: 'workflow/invalid' })
  })

  it('keeps a release as it was submitted', async () => {
    const agent_id = await buildAgent(developer)
    const release = await submitAgent(db, developer, submission(agent_id))
    await expect(
      db.query("update agent_versions set system_prompt = 'other' where id = $1", [release.id]),
    ).rejects.toThrow(/immutable/)
    await expect(
      db.query("update agent_reviews set action = 'approved' where agent_version_id = $1", [release.id]),
    ).rejects.toThrow(/append only/)
    await expect(db.query('delete from audit_log')).rejects.toThrow(/append only/)
  })

  it('takes a rating after use only, and keeps the average', async () => {
    const [assistant] = await db.query<{ id: string }>("select id from agents where slug = 'assistant'")
    const agent_id = assistant?.id ?? ''
    await expect(rateAgent(db, user, agent_id, { score: 5 })).rejects.toMatchObject({ code: 'store/rate-after-use' })
    await db.query('insert into agent_usages (id, user_id, agent_id) values ($1, $2, $3)', [
      newId(),
      user.user_id,
      agent_id,
    ])
    expect(await rateAgent(db, user, agent_id, { score: 5 })).toEqual({ average_rating: 5, rating_count: 1 })
    expect(await rateAgent(db, user, agent_id, { score: 4, comment: 'good' })).toEqual({
      average_rating: 4,
      rating_count: 1,
    })
  })

  it('finds seeded agents in Chinese and in English, by category above, and nothing for punctuation', async () => {
    const search = async (q: string, category?: string) =>
      (await searchStore(db, user.user_id, { q, category, sort: 'popular', offset: 0 })).agents.map(({ slug }) => slug)
    expect(await search('会议纪要')).toEqual(['meeting-minutes'])
    expect(await search('纪要')).toEqual(['meeting-minutes'])
    expect(await search('transl')).toEqual(['translator'])
    expect(await search("'; drop table agents; --")).toEqual([])
    expect(await search('。。')).toEqual([])
    const [root] = await db.query<{ id: string }>("select id from agent_categories where slug = 'function'")
    expect((await search('', root?.id)).length).toBeGreaterThanOrEqual(3)
  })

  it('seeds a second time without changing anything', async () => {
    const state = () => db.query('select count(*)::int as n, max(updated_at) as at from node_types')
    const before = await state()
    await seed(db)
    expect(await state()).toEqual(before)
  })
})
