import type { RunOverlay } from '../../sync/client/local-store.ts'

type Step = RunOverlay['steps'][number]

/** Steps at work now, and how many are behind us. */
export function stepsNow(steps: readonly Step[]): { active: Step[]; done: number; failed: number } {
  return {
    active: steps.filter((step) => step.phase === 'start'),
    done: steps.filter((step) => step.phase === 'end').length,
    failed: steps.filter((step) => step.phase === 'fail').length,
  }
}

/** A node's name for people: the words for a well-known one, else its own name. */
export function nodeLabel(node: string, words: (key: string) => string | undefined): string {
  return words(`chat.node.${node}`) ?? node
}
