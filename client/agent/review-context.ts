import type { InjectionKey } from 'vue'

/** Tells the queue that a decision was made. */
export const reviewDecidedKey: InjectionKey<() => void> = Symbol('review-decided')
