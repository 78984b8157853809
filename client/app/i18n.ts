import { computed } from 'vue'
import { addMessages, LOCALES, useI18n, type Locale, type Messages } from '../ui/i18n.ts'
import type { Words } from './descriptor.ts'

export { t, te as hasMessage } from '../ui/i18n.ts'

const files = import.meta.glob<Messages>('/*/locales/*.json', { import: 'default' })
const loaded = new Set<string>()
/** Modules whose words have been asked for: a change of language loads them again. */
const wanted = new Set<string>(['app'])

const { locale: current } = useI18n()
current.value = startLocale()
/** The language in use. */
export const locale = computed(() => current.value)

function isLocale(text: string | null | undefined): text is Locale {
  return LOCALES.some((known) => known === text)
}

/** The person's choice, else the browser's first language: Chinese for any kind of Chinese, English otherwise. */
function startLocale(): Locale {
  const chosen = readChoice()
  if (isLocale(chosen)) return chosen
  return /^zh\b/i.test(navigator.language) ? 'zh-CN' : 'en'
}

function readChoice(): string | null {
  try {
    return localStorage.getItem('banyan.locale')
  } catch {
    return null
  }
}

/** Loads the words of a module in the language in use; cheap when they are there. */
export async function loadWords(module: string): Promise<void> {
  wanted.add(module)
  await load(current.value, module)
}

async function load(language: Locale, module: string): Promise<void> {
  const key = `/${module}/locales/${language}.json`
  const file = files[key]
  if (!file || loaded.has(key)) return
  const messages = await file()
  loaded.add(key)
  addMessages(language, module, messages)
}

export async function setLocale(language: Locale): Promise<void> {
  await Promise.all([...wanted].map((module) => load(language, module)))
  current.value = language
  document.documentElement.lang = language
  try {
    localStorage.setItem('banyan.locale', language)
  } catch {
    // Private window without storage: the choice lasts as long as the page.
  }
}

/** The words of a descriptor in the language in use; reactive. */
export function say(words: Words): string {
  return words[current.value]
}
