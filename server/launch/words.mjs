/** One line of progress for the person at the terminal. */
export function say(zh, en) {
  console.log(`榕 ${zh} · ${en}`)
}

/** Ends the launcher with one clear sentence a language and exit code 1. */
export function fail(zh, en) {
  console.error(`${zh}\n${en}`)
  process.exit(1)
}
