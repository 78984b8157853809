export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The value below which a share `q` of the values lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN)
}

/** To two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100
}
