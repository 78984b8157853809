import { t } from '../app/i18n.ts'
import { useLeave } from '../config/leave.ts'

/** Signs out; `end` ends the session on the server, when it is not only this one. */
export function useSignOut(end?: () => Promise<unknown>) {
  const { busy, leave } = useLeave()
  return {
    busy,
    leave: () =>
      leave({
        title: t('identity.sign-out.title'),
        text: t('identity.sign-out.text'),
        action: t('identity.sign-out.action'),
        anyway: t('identity.sign-out.anyway'),
        ...(end ? { end } : {}),
      }),
  }
}
