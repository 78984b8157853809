import { ref } from 'vue'
import { errorText } from '../app/errors.ts'
import { t } from '../app/i18n.ts'
import { syncStatus } from '../app/local.ts'
import { forgetSession } from '../app/session.ts'
import { confirm } from '../ui/confirm.ts'
import { toast } from '../ui/toast.ts'
import { signOut } from './auth.ts'

/**
 * Signs out: asks first when something has not left this device, because signing out deletes this person's data from
 * it. `end` ends the session on the server.
 */
export function useSignOut(end: () => Promise<unknown> = signOut) {
  const busy = ref(false)

  async function leave(): Promise<void> {
    const { pending, rejected } = syncStatus.value
    const waiting = pending + rejected
    const yes = await confirm({
      title: t('identity.sign-out.title'),
      text: waiting > 0 ? t('identity.sign-out.lose', { n: waiting }) : t('identity.sign-out.text'),
      confirm: waiting > 0 ? t('identity.sign-out.anyway') : t('identity.sign-out.action'),
      danger: waiting > 0,
    })
    if (!yes) return
    busy.value = true
    try {
      await end()
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
