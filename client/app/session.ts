import { computed, shallowRef } from 'vue'
import { getSession } from '../../shared/identity/api.ts'
import { mayDo, type Permission } from '../../shared/identity/permissions.ts'
import { toAppError } from '../../shared/kernel/errors.ts'
import { call, send } from './call.ts'
import { forget, hasLeft, keepSession, noteLeft, readSession, type Session } from './kept-session.ts'
import { closeLocal, openLocal, syncStatus } from './local.ts'
import { reloadSafely } from './pwa.ts'

type SessionUser = NonNullable<Session['user']>

/** Whose tabs these are: the others are told when it changes. */
const KEY = 'banyan.user'
const current = shallowRef<Session>()
/** `unreachable`: the server has never answered this browser, so there is nothing to show. */
const reach = shallowRef<'waiting' | 'known' | 'unreachable'>('waiting')
/** The server says that nobody is signed in while this device still holds somebody's things. */
const expired = shallowRef(false)

export const session = computed(() => current.value)
export const sessionReach = computed(() => reach.value)
export const user = computed(() => current.value?.user ?? undefined)
export const sessionExpired = computed(() => expired.value || syncStatus.value.state === 'signed-out')

/** Whether the signed-in person holds a permission. The server decides; this only shows or hides. */
export function may(permission: Permission): boolean {
  return current.value?.permissions.includes(permission) ?? mayDo(user.value?.roles ?? [], permission)
}

/**
 * Who is here. Answers at once from the last visit when there was one, and asks the server behind it: a start with
 * the server dead must work.
 */
export async function startSession(): Promise<void> {
  window.addEventListener('storage', ({ key }) => void (key === KEY && followOtherTab()))
  const kept = await readSession()
  if (kept?.user) {
    current.value = kept
    reach.value = 'known'
    void refreshSession()
    await openFor(kept)
    return
  }
  await refreshSession()
}

/** Asks the server again; opens the store of whoever is signed in. */
export async function refreshSession(): Promise<void> {
  let fresh: Session
  try {
    await endLeftSession()
    fresh = await call(getSession)
  } catch {
    if (!current.value) reach.value = 'unreachable'
    return
  }
  const before = current.value?.user ?? undefined
  if (before && !fresh.user) {
    expired.value = true
    return
  }
  if (fresh.user) await keep(fresh, fresh.user)
  if (before && fresh.user && fresh.user.id !== before.id) return makeRoom()
  await adopt(fresh, before)
}

async function adopt(fresh: Session, before: SessionUser | undefined): Promise<void> {
  const again = sessionExpired.value || fresh.user?.epoch !== before?.epoch
  expired.value = false
  current.value = fresh
  reach.value = 'known'
  // Signed in anew, or with other rights: the engine starts over with what is on the device.
  if (before && again) await closeLocal({ wipe: false })
  if (!before || again) await openFor(fresh)
}

/** Somebody else has come: a fresh page, with nothing in memory of who was here before. Their things stay on the disk. */
async function makeRoom(): Promise<void> {
  await closeLocal({ wipe: false })
  location.assign('/chat')
  return new Promise(() => undefined)
}

async function openFor({ user: person }: Session): Promise<void> {
  if (person) await openLocal({ user_id: person.id, epoch: person.epoch })
}

/** In another tab somebody has signed out, or somebody else has signed in: this one must not go on showing their things. */
async function followOtherTab(): Promise<void> {
  if (!user.value || stored(() => localStorage.getItem(KEY)) === user.value.id) return
  await reloadSafely()
}

/** Ends the session on the server. With `later`, a server that cannot be reached is told at the next visit. */
export async function endSession({ later }: { later: boolean }): Promise<void> {
  try {
    await send('/api/auth/sign-out', { method: 'POST', body: '{}' })
  } catch (error) {
    if (!later || toAppError(error).kind === 'user') throw error
    await noteLeft()
  }
}

/** Before anybody is let in by a cookie that somebody has left behind. */
async function endLeftSession(): Promise<void> {
  if (!(await hasLeft())) return
  await endSession({ later: false })
  await forget('left')
}

/** Private windows may have no storage: then nothing is kept, and nothing was. */
function stored<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

/** After sign-out: nothing of the person stays in memory or on the device. */
export async function forgetSession(): Promise<void> {
  await closeLocal({ wipe: true })
  current.value = current.value && { ...current.value, user: null, permissions: [] }
  expired.value = false
  await forget('session')
  stored(() => localStorage.removeItem(KEY))
}

async function keep(fresh: Session, { id }: SessionUser): Promise<void> {
  await keepSession(fresh)
  stored(() => localStorage.setItem(KEY, id))
}
