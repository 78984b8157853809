import type { Command } from './commands.ts'

/** Commands whose title holds every word of `text`, those that begin with it first. */
export function rankCommands<C extends Pick<Command, 'title'>>(commands: readonly C[], text: string): C[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return [...commands]
  const first = words[0] ?? ''
  return commands
    .filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)))
    .map((command) => ({ command, rank: command.title.toLowerCase().startsWith(first) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ command }) => command)
}
