import { computed, shallowRef } from 'vue'
import { getSession } from '../../shared/identity/api.ts'
import { mayDo, type Permission } from '../../shared/identity/permissions.ts'
import type { EndpointReply } from '../../shared/kernel/endpoint.ts'
import { call } from './call.ts'
import { closeLocal, openLocal, syncStatus } from './local.ts'

export type Session = EndpointReply<typeof getSession>

const KEY = 'banyan.session'
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
  const kept = readKept()
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
    fresh = await call(getSession)
  } catch {
    if (!current.value) reach.value = 'unreachable'
    return
  }
  const before = current.value?.user
  if (before && !fresh.user) {
    expired.value = true
    return
  }
  const again = sessionExpired.value || fresh.user?.epoch !== before?.epoch
  expired.value = false
  current.value = fresh
  reach.value = 'known'
  if (fresh.user) keep(fresh)
  if (fresh.user && fresh.user.id !== before?.id) await openFor(fresh)
  else if (fresh.user && again) {
    // Signed in anew, or with other rights: the engine starts over with what is on the device.
    await closeLocal({ wipe: false })
    await openFor(fresh)
  }
}

async function openFor({ user: person }: Session): Promise<void> {
  if (person) await openLocal({ user_id: person.id, epoch: person.epoch })
}

/** After sign-out: nothing of the person stays in memory or on the device. */
export async function forgetSession(): Promise<void> {
  await closeLocal({ wipe: true })
  current.value = current.value && { ...current.value, user: null, permissions: [] }
  expired.value = false
  try {
    localStorage.removeItem(KEY)
  } catch {
    // Nothing was kept then.
  }
}

function keep(fresh: Session): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(fresh))
  } catch {
    // Without storage an offline start asks for a connection.
  }
}

function readKept(): Session | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null')
    // Written by `keep` only.
    return typeof value === 'object' && value !== null && 'user' in value ? (value as Session) : undefined
  } catch {
    return undefined
  }
}
