import { computed, onScopeDispose, ref, type ComputedRef } from 'vue'
import type { Locale } from './descriptor.ts'
import { locale, t } from './i18n.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Wall time that moves on every half minute; for relative times. */
const clock = ref(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

export function useNow(): ComputedRef<number> {
  users++
  timer ??= setInterval(() => (clock.value = Date.now()), 30_000)
  clock.value = Date.now()
  onScopeDispose(() => {
    users--
    if (users > 0) return
    clearInterval(timer)
    timer = undefined
  })
  return computed(() => clock.value)
}

/** How long ago, in words: 刚刚, 5 分钟前, 10:42, 昨天, 周四, 11月3日. */
export function shortTime(iso: string | number, now: number, language: Locale = locale.value): string {
  const time = new Date(iso)
  const ago = now - time.getTime()
  if (ago < MINUTE) return t('app.time.now')
  if (ago < HOUR) return relative(language).format(-Math.floor(ago / MINUTE), 'minute')
  const days = Math.round((startOfDay(now) - startOfDay(time.getTime())) / DAY)
  if (days === 0) return format(language, { hour: '2-digit', minute: '2-digit', hour12: false }).format(time)
  if (days === 1) return t('app.time.yesterday')
  if (days < 7) return format(language, { weekday: 'short' }).format(time)
  const sameYear = time.getFullYear() === new Date(now).getFullYear()
  return format(language, { ...(sameYear ? {} : { year: 'numeric' }), month: 'short', day: 'numeric' }).format(time)
}

/** Date and time in full, for tooltips and records. */
export function fullTime(iso: string | number, language: Locale = locale.value): string {
  return format(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}

export function shortDate(iso: string | number, language: Locale = locale.value): string {
  return format(language, { dateStyle: 'medium' }).format(new Date(iso))
}

/** A count for people: 2.1 万 in Chinese, 21K in English. */
export function count(value: number, language: Locale = locale.value): string {
  return number(language, value >= 10_000 ? { notation: 'compact', maximumFractionDigits: 1 } : {}).format(value)
}

/** A length of time from milliseconds: 0.8 秒, 1 分 12 秒. */
export function duration(ms: number): string {
  if (ms < 100) return t('app.time.milliseconds', { n: Math.round(ms) })
  const seconds = ms / 1000
  if (seconds < 60) return t('app.time.seconds', { n: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) })
  return t('app.time.minutes', { m: Math.floor(seconds / 60), s: Math.round(seconds % 60) })
}

/** Bytes in decimal units, e.g. 56.5 MB. */
export function bytes(size: number, language: Locale = locale.value): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const step = Math.min(units.length - 1, size < 1 ? 0 : Math.floor(Math.log10(size) / 3))
  const unit = units[step] ?? 'byte'
  return number(language, {
    style: 'unit',
    unit,
    // English has no short word for bytes: it would say "122 byte".
    unitDisplay: step === 0 && language === 'en' ? 'long' : 'short',
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(size / 1000 ** step)
}

function startOfDay(ms: number): number {
  const date = new Date(ms)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}

const made = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>()

/** Intl formatters are slow to make; each is made once. */
function once<T extends Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>(
  key: string,
  make: () => T,
): T {
  const known = made.get(key)
  // The key names the kind.
  if (known) return known as T
  const fresh = make()
  made.set(key, fresh)
  return fresh
}

const format = (language: Locale, options: Intl.DateTimeFormatOptions) =>
  once(`d${language}${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(language, options))
const number = (language: Locale, options: Intl.NumberFormatOptions) =>
  once(`n${language}${JSON.stringify(options)}`, () => new Intl.NumberFormat(language, options))
const relative = (language: Locale) =>
  once(
    `r${language}`,
    () => new Intl.RelativeTimeFormat(language, { numeric: 'always', style: language === 'en' ? 'narrow' : 'long' }),
  )

/** Several things in a row, as the language lists them: 甲、乙 or a, b. */
export function listOf(words: readonly string[], language: Locale = locale.value): string {
  return new Intl.ListFormat(language, { type: 'conjunction', style: 'narrow' }).format(words)
}
