/** Mutations that start a run: they cost tokens, and answer to what was so when they were written. */
export const RUN_STARTERS: readonly string[] = ['message.send', 'message.regenerate']
