import { ref } from 'vue'
import { errorText } from '../app/errors.ts'
import { loadWords, t } from '../app/i18n.ts'
import { store } from '../app/local.ts'
import { endSession, forgetSession } from '../app/session.ts'
import { confirm } from '../ui/confirm.ts'
import { toast } from '../ui/toast.ts'
import { changeTitle } from './change-words.ts'
import { exportUnsent } from './export-unsent.ts'

export interface Leaving {
  title: string
  /** What happens, when everything has reached the server. */
  text: string
  action: string
  /** The verb, when something would be lost. */
  anyway: string
  /** Ends the session on the server; this one only, when absent. */
  end?: () => Promise<unknown>
  /** Go on without the server: it is told at the next visit. */
  evenOffline?: boolean
}

/** Most lines of a warning; more would not be read. */
const LINES = 8

/**
 * Takes a person's things from this device: asks first, with a list of what has not reached the server and an offer to
 * save it. Nobody else's things are touched.
 */
export function useLeave() {
  const busy = ref(false)

  async function leave({ title, text, action, anyway, end, evenOffline = false }: Leaving): Promise<void> {
    await loadWords('config')
    const items = await unsentTitles()
    const yes = await confirm({
      title,
      text: items.length > 0 ? t('config.leave.lose', { n: items.length }) : text,
      items:
        items.length > LINES ? [...items.slice(0, LINES), t('config.leave.more', { n: items.length - LINES })] : items,
      ...(items.length > 0 ? { aside: { label: t('config.leave.export'), act: save } } : {}),
      confirm: items.length > 0 ? anyway : action,
      danger: items.length > 0 || evenOffline,
    })
    if (!yes) return
    busy.value = true
    try {
      await (end ?? (() => endSession({ later: evenOffline })))()
      await forgetSession()
      // A fresh page: nothing of the person stays in memory.
      location.assign('/sign-in')
    } catch (error) {
      toast(errorText(error), { tone: 'red' })
      busy.value = false
    }
  }
  return { busy, leave }
}

async function unsentTitles(): Promise<string[]> {
  const unsent = await store.value?.outbox.unsent().catch(() => undefined)
  if (!unsent) return []
  const drafts = unsent.drafts.map(({ text }) => changeTitle({ name: 'composer', args: { text } }))
  return [...[...unsent.rejected, ...unsent.queued].map((item) => changeTitle(item)), ...drafts]
}

async function save(): Promise<void> {
  if (store.value) await exportUnsent(store.value)
}
