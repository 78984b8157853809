type Word = 'who' | 'here'

/**
 * A tab that answers for its worker. A worker that is busy says nothing, and so does one that is frozen; but the tab
 * of a busy one still answers. Message events are not slowed down in hidden tabs, as timers are.
 */
export class Guard {
  /** This tab's worker leads. */
  leading = false
  readonly #channel: BroadcastChannel
  #answered = false

  constructor(user_id: string) {
    this.#channel = new BroadcastChannel(`banyan-guard:${user_id}`)
    this.#channel.addEventListener('message', (event: MessageEvent<Word>) => {
      if (event.data === 'here') this.#answered = true
      else if (this.leading) this.#say('here')
    })
  }

  ask(): void {
    this.#say('who')
  }

  /** Whether the leader's tab has answered since this was last asked. */
  takeAnswer(): boolean {
    const answered = this.leading || this.#answered
    this.#answered = false
    return answered
  }

  close(): void {
    this.#channel.close()
  }

  #say(word: Word): void {
    this.#channel.postMessage(word)
  }
}
