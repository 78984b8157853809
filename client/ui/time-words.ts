const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `3 分钟前`, `昨天`; a date from a week on. */
export function timeAgo(at: string, locale: string, now = Date.now()): string {
  const time = Date.parse(at)
  if (Number.isNaN(time)) return ''
  const past = now - time
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' })
  if (past < MINUTE) return words.format(0, 'second')
  if (past < HOUR) return words.format(-Math.floor(past / MINUTE), 'minute')
  if (past < DAY) return words.format(-Math.floor(past / HOUR), 'hour')
  if (past < 7 * DAY) return words.format(-Math.floor(past / DAY), 'day')
  const year = new Date(time).getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric'
  return new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', year }).format(time)
}

export function wholeTime(at: string, locale: string): string {
  const time = Date.parse(at)
  return Number.isNaN(time) ? '' : new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(time)
}

/** Numbers as people say them: 2.1万, 21K. */
export function shortNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}
