import { ref, shallowRef } from 'vue'

export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

/** A tree of texts; `{name}` stands for a parameter, ` | ` parts the form for one from the form for many. */
export interface Messages {
  readonly [key: string]: string | Messages
}

export type MessageParams = Readonly<Record<string, unknown>>

/** The language in use. */
const locale = ref<Locale>('zh-CN')
/** Texts by dotted key, a map for each language. */
const texts: Record<Locale, Map<string, string>> = { 'zh-CN': new Map(), en: new Map() }
/** Moves when texts arrive; only who asked in vain looks at it. */
const arrivals = shallowRef(0)

/** Adds the texts of `name` in one language, under the keys `name.…`. */
export function addMessages(language: Locale, name: string, messages: Messages): void {
  for (const [key, value] of Object.entries(messages)) {
    const path = `${name}.${key}`
    if (typeof value === 'string') texts[language].set(path, value)
    else addMessages(language, path, value)
  }
  arrivals.value++
}

/** Whether a text exists in the language in use. */
export function te(key: string): boolean {
  return find(key) !== undefined
}

/**
 * The text of a key in the language in use, its parameters filled in; reactive. `count`, else the parameter `n`,
 * chooses between the forms of a text that has two. A key without a text stands for itself.
 */
export function t(key: string, params: MessageParams = {}, count: unknown = params['n']): string {
  const text = find(key)
  return text === undefined ? key : fill(formOf(text, count), params)
}

/** For components. */
export function useI18n() {
  return { t, te, locale }
}

function find(key: string): string | undefined {
  const text = texts[locale.value].get(key)
  if (text === undefined) void arrivals.value
  return text
}

function formOf(text: string, count: unknown): string {
  const forms = text.split(' | ')
  return (count === 1 ? forms[0] : forms.at(-1)) ?? text
}

function fill(text: string, params: MessageParams): string {
  return text.replace(/\{(\w+)\}/g, (_match, name: string) => String(params[name] ?? ''))
}
