import { shallowRef } from 'vue'

export interface Question {
  title: string
  text?: string
  confirm: string
  cancel?: string
  danger?: boolean
  /** What it concerns, a line each. */
  items?: readonly string[]
  /** Something that may be done first; the question stays. */
  aside?: { label: string; act: () => Promise<void> }
}

interface Asked extends Question {
  answer: (yes: boolean) => void
}

/** The question on screen. Rendered by ConfirmHost. */
export const asked = shallowRef<Asked>()

/** Asks before something that cannot be undone; resolves to the answer. */
export function confirm(question: Question): Promise<boolean> {
  asked.value?.answer(false)
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = undefined
        resolve(yes)
      },
    }
  })
}
