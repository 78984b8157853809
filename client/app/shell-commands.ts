import { Languages, Moon, Sun, SunMoon } from 'lucide-vue-next'
import { useRouter } from 'vue-router'
import { useCommands, type Command } from './commands.ts'
import { locale, say, setLocale, t } from './i18n.ts'
import { navItems, settingsSections, staticCommands } from './modules.ts'
import { may } from './session.ts'
import { theme } from './theme.ts'

/** Commands that are always there: pages, settings, theme, language, and what modules declare. */
export function useShellCommands(): void {
  const router = useRouter()
  useCommands(() => {
    const taken = new Set(staticCommands.map((command) => command.to))
    const pages: Command[] = navItems
      .filter((item) => !taken.has(item.to) && (!item.permission || may(item.permission)))
      .map((item) => ({
        id: `go.${item.id}`,
        title: t('app.command.go', { page: say(item.title) }),
        icon: item.icon,
        run: () => void router.push(item.to),
      }))
    const settings: Command[] = settingsSections
      .filter((item) => !item.permission || may(item.permission))
      .map((item) => ({
        id: `settings.${item.id}`,
        title: `${t('app.command.settings')} · ${say(item.title)}`,
        icon: item.icon,
        run: () => void router.push({ name: `settings-${item.id}` }),
      }))
    const declared: Command[] = staticCommands
      .filter((item) => !item.permission || may(item.permission))
      .map((item) => ({
        id: item.id,
        title: say(item.title),
        ...(item.icon ? { icon: item.icon } : {}),
        run: () => void router.push(item.to),
      }))
    return [...declared, ...pages, ...settings, ...appearance()]
  })
}

function appearance(): Command[] {
  const themes = [
    { value: 'light', icon: Sun },
    { value: 'dark', icon: Moon },
    { value: 'system', icon: SunMoon },
  ] as const
  return [
    ...themes
      .filter(({ value }) => value !== theme.value)
      .map(({ value, icon }) => ({
        id: `theme.${value}`,
        title: t(`app.command.theme.${value}`),
        icon,
        run: () => {
          theme.value = value
        },
      })),
    {
      id: 'language',
      title: locale.value === 'en' ? '切换到中文' : 'Switch to English',
      icon: Languages,
      run: () => void setLocale(locale.value === 'en' ? 'zh-CN' : 'en'),
    },
  ]
}
