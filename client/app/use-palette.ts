import { computed, ref, shallowRef, watch } from 'vue'
import { useRouter } from 'vue-router'
import { activeCommands, type Command } from './commands.ts'
import { loadWords, t } from './i18n.ts'
import { modules } from './modules.ts'
import { rankCommands } from './rank-commands.ts'

/** What the palette shows for a text: commands that match, then what the sources find. */
export function usePalette() {
  const router = useRouter()
  const text = ref('')
  const found = shallowRef<Command[]>([])
  const searches = shallowRef<((text: string) => Promise<Command[]>)[]>([])
  let asked = 0

  for (const { id, palette } of modules) {
    if (!palette) continue
    void Promise.all([palette(), loadWords(id)]).then(
      ([source]) => (searches.value = [...searches.value, source((to) => void router.push(to))]),
      () => undefined,
    )
  }
  watch([text, searches] as const, async ([words, all]) => {
    const mine = ++asked
    const answers = await Promise.all(all.map((search) => search(words.trim()).catch(() => [])))
    if (mine === asked) found.value = answers.flat()
  })

  const groups = computed(() => {
    const byTitle = new Map<string, Command[]>()
    for (const command of [...found.value, ...rankCommands(activeCommands(), text.value)]) {
      const title = command.group ?? t('app.palette.actions')
      byTitle.set(title, [...(byTitle.get(title) ?? []), command])
    }
    return [...byTitle].map(([title, commands]) => ({ title, commands: commands.slice(0, 12) }))
  })
  return { text, groups }
}
