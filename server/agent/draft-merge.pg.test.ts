import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentDraftRow, DraftConflictRow } from '../../shared/agent/rows.ts'
import { newId } from '../../shared/kernel/id.ts'
import { jsonMark } from '../../shared/kernel/same-json.ts'
import { openPersonsDatabase, type PersonsDatabase, type TestDevice } from '../app/testing/device.ts'
import { revisionContent, revisionsOf } from './revision.repository.ts'
import { submitAgent } from './submit-agent.ts'

let anna: PersonsDatabase
let laptop: TestDevice
let phone: TestDevice
let agent_id: string
let id: string

const PROMPT = 'You are an analyst.\nAnswer briefly.\nName your sources.'
const week = 7 * 24 * 3600_000

beforeAll(async () => {
  anna = await openPersonsDatabase()
})
afterAll(() => anna.drop())

/** One draft that both devices have seen. */
beforeEach(async () => {
  laptop = anna.newDevice()
  phone = anna.newDevice()
  agent_id = newId()
  id = newId()
  const fields = { name: 'Analyst', system_prompt: PROMPT, description: 'Looks at markets', tags: ['a', 'b'] }
  await laptop.act('agent.create', { agent_id, draft_id: id, fields })
})

type Fields = Record<string, unknown>
const save = (device: TestDevice, base: Fields, set: Fields, at?: number) =>
  device.write('draft.update', { id, set, base }, at === undefined ? {} : { at })
const prompt = (text: string) => ({ system_prompt: text })
async function draft(): Promise<AgentDraftRow> {
  const [row] = await anna.db.query<AgentDraftRow & Record<string, unknown>>(
    'select * from agent_drafts where id = $1',
    [id],
  )
  if (!row) throw new Error('no draft')
  return row
}
const conflicts = () =>
  anna.db.query<DraftConflictRow & Record<string, unknown>>(
    'select * from draft_conflicts where draft_id = $1 and settled_at is null order by created_at, id',
    [id],
  )
async function only(): Promise<DraftConflictRow> {
  const found = await conflicts()
  const [first] = found
  if (found.length !== 1 || !first) throw new Error(`${found.length} conflicts`)
  return first
}
async function settle(device: TestDevice, choice: string, value?: unknown) {
  const conflict = await only()
  const over = conflict.path === 'system_prompt' ? (await draft()).system_prompt : conflict.theirs
  const decision = choice === 'theirs' ? {} : { over, value: value ?? conflict.mine }
  device.write('draft.settleConflict', {
    id: conflict.id,
    draft_id: id,
    choice,
    seen: jsonMark(conflict.mine),
    ...decision,
  })
}

describe('a draft that two devices edited offline', () => {
  it('gets the edits of both when they are of different fields, lines or tags', async () => {
    save(laptop, prompt(PROMPT), prompt(PROMPT.replace('briefly', 'in full')))
    save(laptop, { tags: ['a', 'b'] }, { tags: ['a', 'b', 'laptop'] })
    save(laptop, { name: 'Analyst' }, { name: 'Market analyst' })
    save(phone, prompt(PROMPT), prompt(`${PROMPT}\nStay polite.\n`))
    save(phone, { tags: ['a', 'b'] }, { tags: ['b', 'phone'] })
    save(phone, { description: 'Looks at markets' }, { description: 'Looks at the market' })
    await phone.send()
    expect((await laptop.send()).map(({ status }) => status)).toEqual(['applied', 'applied', 'applied'])
    expect(await draft()).toMatchObject({
      name: 'Market analyst',
      description: 'Looks at the market',
      system_prompt: 'You are an analyst.\nAnswer in full.\nName your sources.\nStay polite.\n',
      tags: ['b', 'phone', 'laptop'],
      conflicts: [],
    })
  })

  it('keeps what came first and asks about a line that both changed; both texts stay (I20)', async () => {
    const [mine, theirs] = [PROMPT.replace('briefly', 'in full'), PROMPT.replace('briefly', 'in verse')]
    save(laptop, prompt(PROMPT), prompt(mine), Date.now() - week)
    save(phone, prompt(PROMPT), prompt(theirs), Date.now() - week)
    await phone.send()
    await laptop.send()
    expect((await draft()).system_prompt).toBe(theirs)
    expect(await only()).toMatchObject({ path: 'system_prompt', base: PROMPT, mine, theirs, choice: null })
    expect((await draft()).conflicts).toEqual([expect.objectContaining({ path: 'system_prompt', device: laptop.node })])
  })

  it('goes on in one conflict with everything that the device typed after it (I21)', async () => {
    const steps = ['i', 'in', 'in f', 'in full'].map((word) => PROMPT.replace('briefly', word))
    steps.push(`${steps.at(-1)}\nAnd one more line.`)
    steps.forEach((step, index) => save(laptop, prompt(steps[index - 1] ?? PROMPT), prompt(step)))
    save(phone, prompt(PROMPT), prompt(PROMPT.replace('briefly', 'in verse')))
    await phone.send()
    await laptop.send()
    expect(await only()).toMatchObject({ base: PROMPT, mine: steps.at(-1) })
  })

  it('forgets a conflict when the device comes to the text that is there', async () => {
    const theirs = PROMPT.replace('briefly', 'in verse')
    save(laptop, prompt(PROMPT), prompt(PROMPT.replace('briefly', 'in full')))
    save(laptop, prompt(PROMPT.replace('briefly', 'in full')), prompt(theirs))
    save(phone, prompt(PROMPT), prompt(theirs))
    await phone.send()
    await laptop.send()
    expect(await conflicts()).toEqual([])
    expect((await draft()).conflicts).toEqual([])
  })

  it('asks about single values, one by one', async () => {
    const base = { model_params: { temperature: 1, top_p: 1 } }
    await laptop.act('draft.update', { id, set: base, base: { model_params: {} } })
    save(laptop, base, { model_params: { temperature: 0, top_p: 1, max_tokens: 5 } })
    save(phone, base, { model_params: { temperature: 2, top_p: 0.5 } })
    await phone.send()
    await laptop.send()
    expect((await draft()).model_params).toEqual({ temperature: 2, top_p: 0.5, max_tokens: 5 })
    expect(await only()).toMatchObject({ path: 'model_params/temperature', base: 1, mine: 0, theirs: 2 })
  })

  it('keeps a conflict for each of three devices', async () => {
    const tablet = anna.newDevice()
    for (const [device, word] of [
      [phone, 'one'],
      [laptop, 'two'],
      [tablet, 'three'],
    ] as const) {
      save(device, prompt(PROMPT), prompt(PROMPT.replace('briefly', word)))
    }
    await Promise.all([phone.send(), laptop.send(), tablet.send()])
    const texts = [(await draft()).system_prompt, ...(await conflicts()).map(({ mine }) => mine)]
    expect(texts.map((text) => String(text).split('\n')[1]).sort()).toEqual(
      ['one', 'two', 'three'].map((word) => `Answer ${word}.`).sort(),
    )
  })

  it('that one of them deleted refuses the other’s edits, which stay there as dead letters', async () => {
    phone.write('agent.delete', { agent_id, draft_id: id })
    save(laptop, prompt(PROMPT), prompt('mine'))
    await phone.send()
    expect(await laptop.send()).toMatchObject([{ status: 'rejected', error: { code: 'agent/deleted' } }])
    expect((await draft()).system_prompt).toBe(PROMPT)
  })

  it('asks rather than store what is too long only after a merge', async () => {
    const base = { tags: Array.from({ length: 10 }, (_, index) => `t${index}`) }
    await laptop.act('draft.update', { id, set: base, base: { tags: ['a', 'b'] } })
    save(phone, base, { tags: [...base.tags, 'p1', 'p2'] })
    save(laptop, base, { tags: [...base.tags, 'l1'] })
    await phone.send()
    await laptop.send()
    expect((await draft()).tags).toEqual([...base.tags, 'p1', 'p2'])
    expect(await only()).toMatchObject({ path: 'tags', mine: [...base.tags, 'l1'] })
  })
})

describe('a save of an older client', () => {
  // As clients of before version 2 queued it: recorded, not made.
  const recorded = (text: string) => ({ id, set: { system_prompt: text } })
  const old = { version: 1 }

  it('still saves', async () => {
    laptop.write('draft.update', recorded('Old words'), old)
    expect(await laptop.send()).toMatchObject([{ status: 'applied' }])
    expect((await draft()).system_prompt).toBe('Old words')
  })

  it('loses to a later clock, and is asked about then', async () => {
    phone.write('draft.update', recorded('later'), { ...old, at: Date.now() })
    laptop.write('draft.update', recorded('earli'), { ...old, at: Date.now() - week })
    laptop.write('draft.update', recorded('earlier'), { ...old, at: Date.now() - week })
    await phone.send()
    await laptop.send()
    expect((await draft()).system_prompt).toBe('later')
    expect(await only()).toMatchObject({ base: null, mine: 'earlier', theirs: 'later' })
  })
})

describe('settling a conflict', () => {
  const [mine, theirs] = [PROMPT.replace('briefly', 'in full'), PROMPT.replace('briefly', 'in verse')]
  beforeEach(async () => {
    save(laptop, prompt(PROMPT), prompt(mine))
    save(phone, prompt(PROMPT), prompt(theirs))
    await phone.send()
    await laptop.send()
  })

  it.each([
    ['mine', undefined, mine],
    ['theirs', undefined, theirs],
    ['edited', 'Both.', 'Both.'],
  ])('takes %s', async (choice, value, expected) => {
    await settle(phone, choice, value)
    expect(await phone.send()).toMatchObject([{ status: 'applied' }])
    expect(await draft()).toMatchObject({ system_prompt: expected, conflicts: [] })
    expect(await conflicts()).toEqual([])
  })

  it('is done once: a second, different word is refused, the same word is not', async () => {
    await settle(phone, 'theirs')
    await settle(laptop, 'mine')
    const tablet = anna.newDevice()
    await settle(tablet, 'theirs')
    await phone.send()
    expect(await laptop.send()).toMatchObject([{ status: 'rejected', error: { code: 'agent/conflict-settled' } }])
    expect(await tablet.send()).toMatchObject([{ status: 'applied' }])
    expect((await draft()).system_prompt).toBe(theirs)
  })

  it('meets what was written meanwhile: merged, or asked again', async () => {
    await settle(laptop, 'mine')
    await phone.act('draft.update', { id, set: prompt(`${theirs}\nBe kind.`), base: prompt(theirs) })
    await laptop.send()
    expect(await draft()).toMatchObject({
      system_prompt: mine.replace('sources.', 'sources.\nBe kind.'),
      conflicts: [],
    })
  })

  it('asks again when the same line was written meanwhile', async () => {
    await settle(laptop, 'mine')
    const rhyme = PROMPT.replace('briefly', 'in rhyme')
    await phone.act('draft.update', { id, set: prompt(rhyme), base: prompt(theirs) })
    await laptop.send()
    expect((await draft()).system_prompt).toBe(rhyme)
    expect(await only()).toMatchObject({ mine, theirs: rhyme })
  })

  it('is refused when the version that lost has gone on since it was seen', async () => {
    await settle(phone, 'theirs')
    save(laptop, prompt(mine), prompt(`${mine} And in detail.`))
    await laptop.send()
    expect(await phone.send()).toMatchObject([{ status: 'rejected', error: { code: 'agent/conflict-moved' } }])
    expect(await only()).toMatchObject({ mine: `${mine} And in detail.` })
  })

  it('takes no value that the draft could not hold', async () => {
    const { id: conflict_id } = await only()
    const wrong = {
      id: conflict_id,
      draft_id: id,
      choice: 'edited',
      seen: jsonMark(mine),
      over: theirs,
      value: { not: 'a text' },
    }
    laptop.write('draft.settleConflict', wrong)
    expect(await laptop.send()).toMatchObject([{ status: 'rejected', error: { code: 'row/invalid' } }])
  })

  it('comes before a version is submitted (I21)', async () => {
    const submission = { agent_id, version: '1.0.0', changelog: '' }
    const submit = async () => submitAgent(anna.db, anna.person, { ...submission, revision: (await draft()).revision })
    await expect(submit()).rejects.toMatchObject({ code: 'agent/open-conflicts', params: { count: 1 } })
    await settle(laptop, 'mine')
    await laptop.send()
    await expect(submit()).resolves.toMatchObject({ state: 'submitted' })
  })
})

const step = (node_name: string, text: string) => ({ node_name, node_type: 'llm', node_config: { prompt: text } })
function flow(...steps: ReturnType<typeof step>[]) {
  const names = ['start', ...steps.map(({ node_name }) => node_name), 'end']
  const edges = names.slice(1).map((to_node, index) => ({ from_node: names[index], to_node, edge_type: 'normal' }))
  const end = { node_name: 'end', node_type: 'end', node_config: {} }
  return { version: 1, nodes: [{ ...end, node_name: 'start', node_type: 'start' }, ...steps, end], edges }
}
const graph = (workflow_definition: unknown) => ({ workflow_definition })

describe('a workflow that two devices edited offline', () => {
  const base = flow(step('read', 'x'), step('write', 'y'))
  beforeEach(() => laptop.act('draft.update', { id, set: graph(base), base: graph(null) }))

  it('gets a step from one and a text from the other', async () => {
    save(laptop, graph(base), graph(flow(step('read', 'x'), step('check', 'c'), step('write', 'y'))))
    save(phone, graph(base), graph(flow(step('read', 'X'), step('write', 'y'))))
    await phone.send()
    await laptop.send()
    expect(await draft()).toMatchObject({
      conflicts: [],
      workflow_definition: { nodes: flow(step('read', 'X'), step('check', 'c'), step('write', 'y')).nodes },
    })
  })

  it('can have a step back that the other device had deleted', async () => {
    const edited = flow(step('read', 'x'), step('write', 'better'))
    save(laptop, graph(base), graph(edited))
    save(phone, graph(base), graph(flow(step('read', 'x'))))
    await phone.send()
    await laptop.send()
    expect((await draft()).workflow_definition).toEqual(flow(step('read', 'x')))
    await settle(phone, 'mine')
    expect(await phone.send()).toMatchObject([{ status: 'applied' }])
    const { nodes, edges } = Object((await draft()).workflow_definition)
    expect(new Set(nodes)).toEqual(new Set(edited.nodes))
    expect(new Set(edges)).toEqual(new Set(edited.edges))
  })
})

describe('the history of a draft', () => {
  it('has every save, those of one device within a minute as one, and what a merge came to', async () => {
    await laptop.act('draft.update', { id, set: prompt('one'), base: prompt(PROMPT) })
    await laptop.act('draft.update', { id, set: prompt('two'), base: prompt('one') })
    await phone.act('draft.update', { id, set: prompt('three'), base: prompt('two') })
    await laptop.act('draft.update', { id, set: { name: 'New' }, base: { name: 'Old' } })
    const list = await revisionsOf(anna.db, agent_id)
    expect(list.map(({ revision, origin }) => `${revision} ${origin}`)).toEqual(['5 merge', '4 save', '3 save'])
    expect(list.map(({ device }) => device)).toEqual([laptop.node, phone.node, laptop.node])
    expect(await revisionContent(anna.db, agent_id, 3)).toMatchObject({ system_prompt: 'two', name: 'Analyst' })
  })

  it('thins out with age', async () => {
    await anna.db.query(
      `insert into agent_draft_revisions (id, draft_id, user_id, revision, content, created_at)
        select gen_random_uuid(), $1, $2, -n, '{}', date_trunc('hour', now()) - interval '2 days' - n * interval '10 minutes'
        from generate_series(1, 12) n`,
      [id, anna.person.user_id],
    )
    await phone.act('draft.update', { id, set: prompt('now'), base: prompt(PROMPT) })
    expect(await revisionsOf(anna.db, agent_id)).toHaveLength(4)
  })
})
