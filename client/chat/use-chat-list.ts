import { computed, shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { chatList, runningAnswers, searchChats, searchMessages } from '../../shared/chat/queries.ts'
import { useQuery } from '../app/local.ts'
import { withOlder } from './older-hits.ts'
import { useOlderHits } from './use-older-hits.ts'

/** Rows of the list: more than a person scrolls through; search finds the rest. */
const LIMIT = 300

export function useChatList(archived: MaybeRefOrGetter<boolean>) {
  const list = useQuery(
    chatList,
    () => ({ status: toValue(archived) ? ('archived' as const) : ('active' as const), limit: LIMIT }),
    {
      boot: () => (toValue(archived) ? undefined : 'chats'),
      keep: LIMIT,
    },
  )
  const running = useQuery(runningAnswers, {})
  const runningChats = computed(() => new Map(running.rows.value.map((row) => [row.chat_id, row])))
  return { ...list, runningChats }
}

/** Chats and messages that hold `text`, a moment after the typing stops. */
export function useChatSearch(text: MaybeRefOrGetter<string>) {
  const settled = shallowRef('')
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    () => toValue(text).trim(),
    (words) => {
      clearTimeout(timer)
      timer = setTimeout(() => (settled.value = words), words === '' ? 0 : 180)
    },
  )
  const params = (limit: number) => (settled.value === '' ? undefined : { text: settled.value.slice(0, 200), limit })
  const chats = useQuery(searchChats, () => params(20))
  const messages = useQuery(searchMessages, () => params(30))
  const older = useOlderHits(settled)
  return {
    older: computed(() => older.value.state),
    active: computed(() => toValue(text).trim() !== ''),
    words: settled,
    chats: chats.rows,
    messages: computed(() => withOlder(messages.rows.value, older.value.hits)),
    ready: computed(() => settled.value === toValue(text).trim() && chats.ready.value && messages.ready.value),
  }
}
