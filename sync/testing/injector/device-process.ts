import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { newId } from '../../../shared/kernel/id.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import { ensureSchema, INITDB_PARAMS, startParams } from '../../client/blank-replica.ts'
import { deviceId, nextLead } from '../../client/device.ts'
import { Engine } from '../../client/engine.ts'
import { HostClient } from '../../client/host-client.ts'
import type { HelloValue, HostStatus } from '../../client/host-protocol.ts'
import { PARSERS } from '../../client/pg-parsers.ts'
import { PgliteReplica } from '../../client/pglite-replica.ts'
import { MemoryStore, type DeviceState } from '../memory-store.ts'
import type { Acknowledged, DeviceOrder, FromDevice, Report, ToDevice } from './device-words.ts'
import { seeded } from './random.ts'
import { fakeBrowser } from './fake-browser.ts'

// A device in a process of its own, to be killed: the product's engine over PGlite on disk and an outbox in a file.

const order: DeviceOrder = JSON.parse(process.argv[2] ?? '{}')
const { origin, user_id, folder, agent_id, draft_id } = order
const random = seeded(order.seed)
const browser = fakeBrowser(order)
const say = (word: FromDevice) => void process.send?.(word)

const file = path.join(folder, 'device.json')
const store = new MemoryStore(existsSync(file) ? readState() : undefined, (state) => {
  // a rename is whole or has not been: what is killed in between finds the state of before
  writeFileSync(`${file}.next`, JSON.stringify(state))
  renameSync(`${file}.next`, file)
})
const engine = new Engine({
  db: store,
  device_id: await deviceId(store),
  user_id,
  epoch: 1,
  lead: await nextLead(store),
  origin,
  openReplica,
})
await engine.start()
let status: HostStatus | undefined
const tab = new HostClient(
  user_id,
  newId(),
  (event) => {
    if (event.t === 'status') status = event.status
  },
  () => undefined,
)
tab.call({ op: 'hello', epoch: 1 }).then(
  (value) => (status = (value as HelloValue).status),
  () => undefined,
)

function readState(): DeviceState {
  return JSON.parse(readFileSync(file, 'utf8'))
}

async function openReplica(): Promise<PgliteReplica> {
  const dataDir = path.join(folder, 'replica')
  const open = async () => {
    const pg = await PGlite.create({
      dataDir,
      initDbStartParams: INITDB_PARAMS,
      startParams: startParams(PGlite.defaultStartParams),
      parsers: PARSERS,
    })
    await ensureSchema(pg)
    const remove = async () => rmSync(dataDir, { recursive: true, force: true })
    return PgliteReplica.over(pg, { user_id, mutators: MUTATORS, lasting: true, remove, onComplete: () => undefined })
  }
  try {
    return await open()
  } catch (error) {
    say({ says: 'broken', what: `the replica does not open again: ${String(error)}` })
    rmSync(dataDir, { recursive: true, force: true })
    return open()
  }
}

// --- writing

const queryAll = async <R>(sql: string): Promise<R[]> => (await tab.call({ op: 'query', sql, values: [] })) as R[]
/** Rows that this process was told are kept, and that show since. */
const mine: { id: string; mutation: string }[] = []

async function mutate(name: string, args: Record<string, unknown>, more: Partial<Acknowledged> = {}): Promise<void> {
  const id = newId()
  const version = MUTATORS[name]?.version ?? 1
  await tab.call({ op: 'mutate', mutation: { id, name, version, args, created_at: new Date().toISOString() } })
  const row = await store.outbox.get({ id })
  say({ says: 'acknowledged', write: { id, name, rows: [], absorbs: row?.absorbs ?? [], ...more } })
  for (const { table, id: made } of more.rows ?? [])
    if (table === 'chat_messages') mine.push({ id: made, mutation: id })
}

async function act(): Promise<void> {
  const chats = status?.mode === 'replica' ? await queryAll<{ id: string }>(RECENT_CHATS) : []
  const chat = chats[random(Math.max(1, chats.length))]
  const what = random(10)
  if (what < 2 || (!chat && what < 6)) return send(chat && what > 0 ? chat.id : undefined)
  if (what < 5 && chat) return mutate('chat.update', { id: chat.id, set: { title: `title ${newId()}` } })
  if (what < 8 && chat) return save()
  const key = `injected-${random(3)}-${path.basename(folder)}`
  const value = newId()
  return mutate('preference.set', { key, value }, { preference: { key, value } })
}

const RECENT_CHATS = "select id::text as id from v_chats where status = 'active' order by created_at desc limit 5"

async function send(chat_id: string | undefined): Promise<void> {
  const [chat, question, answer] = [chat_id ?? newId(), newId(), newId()]
  const args = {
    chat_id: chat,
    parent_message_id: null,
    user_message_id: question,
    answer_message_id: answer,
    execution_id: newId(),
    content: `message ${question}`,
    ...(chat_id === undefined ? { chat: { agent_id, agent_version_id: null, source: 'draft', title: 'new' } } : {}),
  }
  const rows = [question, answer].map((id) => ({ table: 'chat_messages', id }))
  await mutate('message.send', args, { rows: chat_id === undefined ? [...rows, { table: 'chats', id: chat }] : rows })
}

async function save(): Promise<void> {
  const [draft] = await queryAll<{ system_prompt: string }>(
    `select system_prompt from v_agent_drafts where id = '${draft_id}'`,
  )
  if (!draft) return
  const lines = draft.system_prompt.split('\n')
  lines[random(lines.length)] = `line ${newId()}`
  await mutate('draft.update', { id: draft_id, set: { system_prompt: lines.join('\n') }, base: draft })
}

/** What was written here does not vanish, not even for a moment (I1). */
async function look(): Promise<void> {
  if (status?.mode !== 'replica' || mine.length === 0) return
  const expected = mine.slice(-200)
  const shown = new Set(
    (await queryAll<{ id: string }>('select id::text as id from v_chat_messages')).map(({ id }) => id),
  )
  const dead = new Set((await store.dead.toArray()).map(({ id }) => id))
  for (const { id, mutation } of expected) {
    if (!shown.has(id) && !dead.has(mutation))
      say({ says: 'broken', what: `I1: message ${id} of ${mutation} vanished` })
  }
}

let writing = false
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function live(): Promise<void> {
  for (;;) {
    await pause(40 + random(400))
    // what the engine cannot take now was not acknowledged
    if (writing) await act().catch(() => undefined)
    await look().catch(() => undefined)
  }
}

async function report(sql: Readonly<Record<string, string>>): Promise<Report> {
  const rows: Record<string, string[]> = {}
  if (status?.mode === 'replica')
    for (const [name, text] of Object.entries(sql))
      rows[name] = (await queryAll<{ row: string }>(text)).map(({ row }) => row)
  const waiting = (await store.outbox.toArray()).map(
    ({ seq, name, outcome, lsn }) => `${name} ${seq} ${outcome?.status ?? 'unsent'} ${lsn ?? 'no ack'}`,
  )
  return {
    state: status?.state ?? 'unknown',
    mode: status?.mode ?? 'unknown',
    problem: status?.problem,
    waiting,
    dead: await store.dead.toArray(),
    rows,
  }
}

process.on('message', (word: ToDevice) => {
  if (word.do === 'write') writing = word.on
  else if (word.do === 'line') browser.line(word.up)
  else if (word.do === 'clock') browser.clock(word.off)
  else
    report(word.sql).then(
      (answer) => say({ says: 'report', call: word.call, report: answer }),
      () => undefined,
    )
})
process.on('disconnect', () => process.exit())
say({ says: 'up' })
void live()
