import { getSession } from '../../shared/identity/api.ts'

/** A session that is not ours is looked at again no sooner than this, ms. */
const RECHECK_MS = 5000

/**
 * Whose session the browser's cookie is. The engine belongs to one person for life, the cookie does not: somebody
 * else may sign in in another tab. Nothing of ours may then be sent, and nothing of theirs may come into our replica.
 */
export class Identity {
  readonly #user_id: string
  #epoch: number
  #state: 'unknown' | 'ours' | 'not-ours' = 'unknown'
  #checkedAt = 0
  #checking: Promise<void> | undefined

  constructor(user_id: string, epoch: number) {
    this.#user_id = user_id
    this.#epoch = epoch
  }

  /** Part of shape addresses; the server raises it when rights shrink. */
  get epoch(): number {
    return this.#epoch
  }

  /** A tab has seen a newer epoch. */
  adopt(epoch: number): void {
    this.#epoch = Math.max(this.#epoch, epoch)
  }

  /** The server said who it takes us for. */
  heard(user_id: string): void {
    this.#state = user_id === this.#user_id ? 'ours' : 'not-ours'
    this.#checkedAt = Date.now()
  }

  /** The line broke, or an answer was odd: ask before the next request. */
  doubt(): void {
    if (this.#state === 'ours') this.#state = 'unknown'
  }

  /** Whether requests go out as our person. Rejects when the server cannot be asked. */
  async isOurs(): Promise<boolean> {
    if (this.#state === 'ours') return true
    if (this.#state === 'not-ours' && Date.now() - this.#checkedAt < RECHECK_MS) return false
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
    await this.#checking
    return this.#isOurs()
  }

  #isOurs(): boolean {
    return this.#state === 'ours'
  }

  async #check(): Promise<void> {
    const response = await fetch(getSession.path, { credentials: 'same-origin', cache: 'no-store' })
    if (!response.ok) throw new TypeError('the session cannot be asked')
    const body: unknown = await response.json()
    const user = typeof body === 'object' && body !== null && 'user' in body ? body.user : undefined
    if (typeof user !== 'object' || user === null) return this.heard('')
    if ('epoch' in user && typeof user.epoch === 'number') this.#epoch = user.epoch
    this.heard('id' in user ? String(user.id) : '')
  }
}
