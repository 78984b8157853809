import { chatList, type ChatListRow } from '../../../shared/chat/queries.ts'
import { sendMessage, updateChat } from '../../../shared/chat/mutators.ts'
import type { LocalStore, QuerySnapshot, SyncStatus } from '../../client/local-store.ts'
import { openStore } from '../../client/open-store.ts'
import { DeviceDb } from '../../client/device-db.ts'
import { brokenPromises } from '../device-store-contract.ts'
import { MemoryStore } from '../memory-store.ts'

/** What the browser tests drive: a store and a record of everything it said. */
export interface TestPage {
  store: LocalStore
  chats: QuerySnapshot<ChatListRow>
  statuses: SyncStatus[]
  /** Every list of titles that was shown. */
  shown: string[][]
  rename: (id: string, title: string) => Promise<unknown>
  read: () => Promise<ChatListRow[]>
  send: (chat_id: string, ids: [string, string, string], content: string, parent?: string | null) => Promise<unknown>
  /** What the store in IndexedDB and the one of the tests break of their contract. */
  brokenPromises: () => Promise<{ indexedDb: string[]; memory: string[] }>
}

declare global {
  interface Window {
    page?: TestPage
  }
}

const user_id = new URLSearchParams(location.search).get('user') ?? ''
const store = await openStore({ user_id, epoch: 1 })
const page: TestPage = {
  store,
  chats: { rows: [], ready: false },
  statuses: [],
  shown: [],
  rename: (id, title) => store.mutate(updateChat, { id, set: { title } }),
  read: () => store.read(chatList, { status: 'active', limit: 100 }),
  send: (chat_id, [user_message_id, answer_message_id, execution_id], content, parent = null) =>
    store.mutate(sendMessage, {
      chat_id,
      parent_message_id: parent,
      user_message_id,
      answer_message_id,
      execution_id,
      content,
    }),
  brokenPromises: async () => ({
    indexedDb: await brokenPromises(async () => new DeviceDb(`contract-${crypto.randomUUID()}`)),
    memory: await brokenPromises(async () => new MemoryStore()),
  }),
}
store.onStatus((status) => page.statuses.push(status))
store.watch(chatList, { status: 'active', limit: 100 }, (snapshot) => {
  page.chats = snapshot
  if (snapshot.ready) page.shown.push(snapshot.rows.map((row) => row.title).sort())
})
window.page = page
