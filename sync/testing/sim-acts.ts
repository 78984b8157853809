import { idOf } from './pending.ts'
import type { SimDevice } from './sim-device.ts'
import type { DraftLine, Fact } from './sim-facts.ts'
import type { Act } from './sim-steps.ts'

interface Sent {
  chat: string
  question: string
  answer: string
  parent: string | null
}

/** An agent that may not be talked to any more; only the server knows. */
export const WITHDRAWN_AGENT = idOf(7)

/** What a draft begins with. */
const LINES = 'one\ntwo\nthree\nfour'

/** What an act asks of its device. */
export interface Wish {
  name: string
  args: Record<string, unknown>
  /** The row it is about. */
  on: Fact
  facts: Fact[]
  /** Of its arguments; 1 when absent. */
  version?: number
  line?: DraftLine
  /** Notes that it was queued. */
  done?: () => void
}

/** People who do things on their devices: makes arguments, and says what each act must show. */
export class People {
  readonly #user_id: string
  readonly #newId: () => string
  readonly #chats: string[] = []
  readonly #drafts: string[] = []
  readonly sent: Sent[] = []

  constructor(user_id: string, newId: () => string) {
    this.#user_id = user_id
    this.#newId = newId
  }

  wish(act: Act, device: SimDevice, which: number): Wish | undefined {
    const chat = among(this.#chats, which)
    const draft = among(this.#drafts, which)
    switch (act) {
      case 'create':
        return which % 3 === 0 ? this.#create(which) : this.#send(this.#newId(), null, true)
      case 'send':
      case 'rename':
      case 'delete':
        return chat === undefined ? undefined : this.#toChat(act, chat, device, which)
      case 'choose':
        return this.#choose(which)
      case 'prefer':
        return this.#prefer(which)
      case 'note':
        return this.#note(device.id, which % 2 ? chat : undefined)
      case 'draft':
        return this.#newDraft()
      case 'edit':
      case 'save':
        return this.#toDraft(act, draft, device, which)
      case 'poison':
        return { name: 'test.poison', args: {}, on: { table: 'chats', key: { id: idOf(0) } }, facts: [] }
    }
  }

  #toChat(act: 'send' | 'rename' | 'delete', chat: string, device: SimDevice, which: number): Wish {
    if (act === 'send') return this.#send(chat, this.#parent(chat, device, which), false)
    return act === 'rename' ? this.#rename(chat) : this.#delete(chat)
  }

  #toDraft(act: 'edit' | 'save', draft: string | undefined, device: SimDevice, which: number): Wish | undefined {
    if (draft === undefined) return undefined
    return act === 'edit' ? this.#edit(draft, which) : this.#save(draft, device, which)
  }

  #create(which: number): Wish {
    const id = this.#newId()
    const on = { table: 'chats', key: { id } }
    return {
      name: 'chat.create',
      args: { id, chat: newChat(id, which % 2 === 0) },
      on,
      facts: [on],
      done: () => this.#chats.push(id),
    }
  }

  #rename(id: string): Wish {
    const latest = { title: `title ${this.#newId()}` }
    const on = { table: 'chats', key: { id } }
    return { name: 'chat.update', args: { id, set: latest }, on, facts: [{ ...on, rests: true, latest }] }
  }

  #delete(id: string): Wish {
    const on = { table: 'chats', key: { id } }
    return { name: 'chat.delete', args: { id }, on, facts: [{ ...on, rests: true, set: { status: 'deleted' } }] }
  }

  #send(chat_id: string, parent: string | null, fresh: boolean): Wish {
    const [question, answer, execution_id] = [this.#newId(), this.#newId(), this.#newId()]
    const content = `text ${question}`
    const args = {
      chat_id,
      parent_message_id: parent,
      user_message_id: question,
      answer_message_id: answer,
      execution_id,
      content,
      ...(fresh ? { chat: newChat(chat_id) } : {}),
    }
    const on = { table: 'chats', key: { id: chat_id } }
    const facts = [
      ...(fresh ? [on] : []),
      { table: 'chat_messages', key: { id: question }, set: { content } },
      { table: 'chat_messages', key: { id: answer } },
    ]
    const done = () => {
      this.sent.push({ chat: chat_id, question, answer, parent })
      if (fresh) this.#chats.push(chat_id)
    }
    return { name: 'message.send', args, on, facts, done }
  }

  /** An earlier answer of the chat, or the top: an edit of the first question. */
  #parent(chat: string, device: SimDevice, which: number): string | null {
    const shown = this.sent.filter((one) => one.chat === chat && device.shown('chat_messages', { id: one.answer }))
    return which % 3 === 0 ? null : (among(shown, which)?.answer ?? null)
  }

  #choose(which: number): Wish | undefined {
    const one = among(this.sent, which)
    if (!one) return undefined
    const fork_id = one.parent ?? one.chat
    const on = { table: 'branch_choices', key: { user_id: this.#user_id, chat_id: one.chat, fork_id } }
    return {
      name: 'branch.choose',
      args: { chat_id: one.chat, fork_id, child_id: one.question },
      on,
      facts: [{ ...on, rests: true }],
    }
  }

  #prefer(which: number): Wish {
    const key = `key${which % 2}`
    const latest = { value: this.#newId() }
    const on = { table: 'preferences', key: { user_id: this.#user_id, key } }
    return { name: 'preference.set', args: { key, ...latest }, on, facts: [{ ...on, latest }] }
  }

  /** Each device has a note of its own, so that nobody else's word can be later. */
  #note(key: string, chat_id: string | undefined): Wish {
    const latest = { value: this.#newId() }
    const on = { table: 'preferences', key: { user_id: this.#user_id, key } }
    const args = { key, ...latest, ...(chat_id === undefined ? {} : { chat_id }) }
    return { name: 'test.note', args, on, facts: [{ ...on, latest, clockless: true }] }
  }

  #newDraft(): Wish {
    const [agent_id, draft_id] = [this.#newId(), this.#newId()]
    const on = { table: 'agent_drafts', key: { id: draft_id } }
    const args = { agent_id, draft_id, fields: { name: draft_id, description: '', system_prompt: LINES } }
    const facts = [on, { table: 'agents', key: { id: agent_id } }]
    return { name: 'agent.create', args, on, facts, done: () => this.#drafts.push(draft_id) }
  }

  /** As clients of before merges save: without what they started from, so that the latest clock wins. */
  #edit(id: string, which: number): Wish {
    const value = `text ${this.#newId()}`
    const latest = which % 2 ? { description: value } : { name: value }
    const on = { table: 'agent_drafts', key: { id } }
    return { name: 'draft.update', args: { id, set: latest }, on, facts: [{ ...on, rests: true, latest }] }
  }

  /** As the editor saves: one line of the text that is shown, with that text. */
  #save(id: string, device: SimDevice, which: number): Wish | undefined {
    const on = { table: 'agent_drafts', key: { id } }
    const base = device.shown(on.table, on.key)?.['system_prompt']
    if (typeof base !== 'string') return undefined
    const lines = base.split('\n')
    // few places, so that people meet
    const place = which % 2
    const [text, over = ''] = [`line ${this.#newId()}`, lines[place]]
    const args = { id, set: { system_prompt: lines.with(place, text).join('\n') }, base: { system_prompt: base } }
    const facts = [{ ...on, rests: true as const }]
    return { name: 'draft.update', version: 2, args, on, facts, line: { draft: id, text, over } }
  }
}

function newChat(id: string, withdrawn = false): object {
  const agent_id = withdrawn ? WITHDRAWN_AGENT : idOf(9)
  return { agent_id, agent_version_id: idOf(8), source: 'app', title: `new ${id}` }
}

/** One of the latest few: people meet where something is going on. */
function among<T>(all: readonly T[], which: number): T | undefined {
  const latest = all.slice(-3)
  return latest[which % Math.max(1, latest.length)]
}
