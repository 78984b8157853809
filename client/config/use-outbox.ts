import { computed, shallowRef, watch } from 'vue'
import { useRouter } from 'vue-router'
import { myAgents } from '../../shared/agent/queries.ts'
import { chatList } from '../../shared/chat/queries.ts'
import type { QueuedMutation, RejectedMutation } from '../../sync/client/local-store.ts'
import { editUnsent } from '../app/edit-unsent.ts'
import { attempt } from '../app/errors.ts'
import { t } from '../app/i18n.ts'
import { store, syncStatus, useQuery } from '../app/local.ts'
import { may } from '../app/session.ts'
import { confirm } from '../ui/confirm.ts'
import { changeTitle, type Change } from './change-words.ts'

/** A refused change with those that rested on it. */
export interface Refused {
  head: RejectedMutation
  others: RejectedMutation[]
}

/** What has not reached the server, in words about the person's things, and what they may do about it. */
export function useOutbox() {
  const router = useRouter()
  const queued = shallowRef<QueuedMutation[]>([])
  const rejected = shallowRef<RejectedMutation[]>([])
  const chats = useQuery(chatList, { status: 'active', limit: 500 })
  const agents = useQuery(myAgents, () => (may('agent:write') ? {} : undefined))
  const names = computed(
    () =>
      new Map([
        ...chats.rows.value.map((row) => [row.id, row.title] as const),
        ...agents.rows.value.flatMap((row) => [[row.agent_id, row.name] as const, [row.draft_id, row.name] as const]),
      ]),
  )

  watch(
    [store, syncStatus],
    async ([local], _, onCleanup) => {
      let late = false
      onCleanup(() => (late = true))
      const [all, dead] = await Promise.all([
        local?.outbox.queued().catch(() => []),
        local?.outbox.rejected().catch(() => []),
      ])
      if (late) return
      // What the server has decided shows in a moment; there is nothing left to do about it.
      queued.value = (all ?? []).filter(({ state }) => state !== 'sent')
      rejected.value = dead ?? []
    },
    { immediate: true },
  )

  const refused = computed<Refused[]>(() => {
    const heads = new Set(rejected.value.map(({ id }) => id))
    return rejected.value
      .filter(({ root }) => root === undefined || !heads.has(root))
      .map((head) => ({ head, others: rejected.value.filter(({ root }) => root === head.id) }))
  })
  const title = (item: Change) => changeTitle(item, names.value)
  const outbox = () => store.value?.outbox

  async function discard(item: QueuedMutation): Promise<void> {
    const yes = await confirm({
      title: t('config.queued.discard-title'),
      text: t('config.queued.discard-text', { what: title(item) }),
      confirm: t('config.queued.discard'),
      danger: true,
    })
    if (yes) await attempt(async () => outbox()?.discard(item.id))
  }

  async function discardRefused({ head, others }: Refused): Promise<void> {
    const yes = await confirm({
      title: t('config.rejected.discard-title'),
      text: [head, ...others].map(title).join('\n'),
      confirm: t('config.rejected.discard'),
      danger: true,
    })
    if (yes) await attempt(async () => outbox()?.discardRejected(head.id))
  }

  async function edit(item: Change, drop: (back: { chat_id: string; text: string }) => Promise<void>): Promise<void> {
    const way = await attempt(async () => store.value && editUnsent(store.value, item, drop))
    if (way) await router.push(way)
  }

  return {
    queued,
    refused,
    title,
    discard,
    discardRefused,
    /** Sends what asks; tries the rest again now. */
    send: (item: QueuedMutation) =>
      attempt(async () => (item.state === 'asks' ? outbox()?.release(item.id) : outbox()?.hurry())),
    edit: (item: QueuedMutation) => edit(item, async (back) => outbox()?.discard(item.id, back)),
    retryRefused: ({ head }: Refused) => attempt(async () => outbox()?.retryRejected(head.id)),
    editRefused: ({ head }: Refused) => edit(head, async (back) => outbox()?.discardRejected(head.id, back)),
  }
}

export type OutboxPage = ReturnType<typeof useOutbox>
