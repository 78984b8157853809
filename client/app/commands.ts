import {
  onScopeDispose,
  shallowReactive,
  shallowRef,
  toValue,
  watchEffect,
  type Component,
  type MaybeRefOrGetter,
} from 'vue'
import type { RouteLocationRaw } from 'vue-router'

/** Something a person can do from the palette. */
export interface Command {
  id: string
  title: string
  /** Heading under which it stands; commands without one are actions. */
  group?: string
  /** A second line, e.g. the words that were found. */
  detail?: string
  icon?: Component
  /** Name whose sign stands instead of an icon. */
  sign?: { name: string; icon?: string | null; seed?: string }
  /** Keys that do the same, e.g. `Ctrl+Shift+O`. */
  keys?: string
  run: () => void
}

/** What a source has found until now. */
export interface Findings {
  commands: readonly Command[]
  /** What one should know about them, e.g. that not everything could be searched. */
  notice?: string
}

/**
 * Finds things by text, e.g. chats: what is at hand first, then more; each step holds all of the one before. Asked on
 * every keystroke; `late` says that nobody waits for the rest.
 */
export type PaletteSource = (
  go: (to: RouteLocationRaw) => void,
) => (text: string, late: () => boolean) => AsyncIterable<Findings>

const registered = shallowReactive(new Map<string, Command>())

export const paletteOpen = shallowRef(false)

/** Commands of what is on the page now. */
export function activeCommands(): Command[] {
  return [...registered.values()]
}

/** Registers commands for as long as the calling component lives. A getter keeps their words in step with the language. */
export function useCommands(commands: MaybeRefOrGetter<readonly Command[]>): void {
  let mine: string[] = []
  const clear = () => {
    for (const id of mine) registered.delete(id)
  }
  watchEffect(() => {
    const list = toValue(commands)
    clear()
    mine = list.map((command) => command.id)
    for (const command of list) registered.set(command.id, command)
  })
  onScopeDispose(clear)
}
