import { computed, ref, shallowReactive, shallowRef, watch } from 'vue'
import { useRouter } from 'vue-router'
import { activeCommands, type Command, type Findings, type PaletteSource } from './commands.ts'
import { loadWords, t } from './i18n.ts'
import { modules } from './modules.ts'
import { rankCommands } from './rank-commands.ts'

/** What the palette shows for a text: what the sources find, then commands that match. */
export function usePalette() {
  const router = useRouter()
  const text = ref('')
  const searches = shallowRef<ReturnType<PaletteSource>[]>([])
  /** By source. */
  const found = shallowReactive(new Map<ReturnType<PaletteSource>, Findings>())

  for (const { id, palette } of modules) {
    if (!palette) continue
    void Promise.all([palette(), loadWords(id)]).then(
      ([source]) => (searches.value = [...searches.value, source((to) => void router.push(to))]),
      () => undefined,
    )
  }
  watch([text, searches] as const, ([words, all], _, onCleanup) => {
    let late = false
    onCleanup(() => (late = true))
    for (const search of all) void follow(search, words.trim(), () => late)
  })

  async function follow(search: ReturnType<PaletteSource>, words: string, late: () => boolean): Promise<void> {
    try {
      for await (const findings of search(words, late)) {
        if (late()) return
        found.set(search, findings)
      }
    } catch {
      if (!late()) found.delete(search)
    }
  }

  const groups = computed(() => {
    const all = searches.value.flatMap((search) => found.get(search)?.commands ?? [])
    const byTitle = new Map<string, Command[]>()
    for (const command of [...all, ...rankCommands(activeCommands(), text.value)]) {
      const title = command.group ?? t('app.palette.actions')
      byTitle.set(title, [...(byTitle.get(title) ?? []), command])
    }
    return [...byTitle].map(([title, commands]) => ({ title, commands: commands.slice(0, 12) }))
  })
  const notice = computed(() => searches.value.flatMap((search) => found.get(search)?.notice ?? []).join(' '))
  return { text, groups, notice }
}
