import { computed, ref, shallowRef, watch } from 'vue'
import { activeCommands, activeSources, type Command } from './commands.ts'
import { t } from './i18n.ts'
import { rankCommands } from './rank-commands.ts'

/** What the palette shows for a text: commands that match, then what the sources find. */
export function usePalette() {
  const text = ref('')
  const found = shallowRef<Command[]>([])
  let asked = 0

  watch(
    text,
    async (words) => {
      const mine = ++asked
      const answers = await Promise.all(
        activeSources().map((source) => Promise.resolve(source.search(words.trim())).catch(() => [])),
      )
      if (mine === asked) found.value = answers.flat()
    },
    { immediate: true },
  )

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
