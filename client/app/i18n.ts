import { computed, ref } from 'vue'
import { createI18n } from 'vue-i18n'
import { LOCALES, type Locale, type Words } from './descriptor.ts'

const files = import.meta.glob<Record<string, string>>('/*/locales/*.json', { import: 'default' })
const loaded = new Set<string>()
/** Modules whose words have been asked for: a change of language loads them again. */
const wanted = new Set<string>(['app'])

export const i18n = createI18n({
  legacy: false,
  locale: startLocale(),
  fallbackLocale: false,
  messages: { 'zh-CN': {}, en: {} },
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  warnHtmlMessage: false,
})

const current = ref<Locale>(startLocale())
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
  i18n.global.mergeLocaleMessage(language, { [module]: messages })
}

export async function setLocale(language: Locale): Promise<void> {
  await Promise.all([...wanted].map((module) => load(language, module)))
  current.value = language
  i18n.global.locale.value = language
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

/** Translation outside components. */
export function t(key: string, params: Record<string, unknown> = {}): string {
  return i18n.global.t(key, params)
}

/** Whether a message exists in the language in use. */
export function hasMessage(key: string): boolean {
  return i18n.global.te(key)
}
