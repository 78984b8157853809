import type { Executor } from './executor.ts'

export const start: Executor = {
  prepare:
    () =>
    ({ setting }) => ({ output: { text: setting.text } }),
}
