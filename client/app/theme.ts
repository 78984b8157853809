import { ref, watchEffect } from 'vue'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const prefersDark = matchMedia('(prefers-color-scheme: dark)')
const systemDark = ref(prefersDark.matches)
prefersDark.addEventListener('change', (event) => {
  systemDark.value = event.matches
})

/** The person's choice. */
export const theme = ref<Theme>(readTheme())

function readTheme(): Theme {
  try {
    const stored = localStorage.getItem('banyan.theme')
    return THEMES.find((known) => known === stored) ?? 'system'
  } catch {
    return 'system'
  }
}

/** Keeps the document in step with the choice; `first-paint.js` has done the same before. */
export function startTheme(): void {
  watchEffect(() => {
    const dark = theme.value === 'dark' || (theme.value === 'system' && systemDark.value)
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#141714' : '#f7f7f3')
    try {
      localStorage.setItem('banyan.theme', theme.value)
    } catch {
      // Private window without storage.
    }
  })
}
