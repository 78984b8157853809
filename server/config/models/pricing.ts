import type { ModelUsage } from './provider.ts'

/** US dollars per million tokens; the form of `service_configs.pricing_config`. */
export interface Price {
  prompt: number
  completion: number
}

/** List prices as of early 2026, longest name first. A provider's `pricing_config` wins over them. */
const KNOWN: readonly (readonly [prefix: string, price: Price])[] = [
  ['gpt-4.1-nano', { prompt: 0.1, completion: 0.4 }],
  ['gpt-4.1-mini', { prompt: 0.4, completion: 1.6 }],
  ['gpt-4.1', { prompt: 2, completion: 8 }],
  ['gpt-4o-mini', { prompt: 0.15, completion: 0.6 }],
  ['gpt-4o', { prompt: 2.5, completion: 10 }],
]

/** What a call cost in US dollars, or null when nobody knows: an unknown price must not look like a free one. */
export function costOf(
  model: string,
  usage: ModelUsage | undefined,
  pricing?: Readonly<Record<string, Price>>,
): number | null {
  if (!usage) return null
  const price = pricing?.[model] ?? KNOWN.find(([prefix]) => model === prefix || model.startsWith(`${prefix}-20`))?.[1]
  return price ? (usage.prompt * price.prompt + usage.completion * price.completion) / 1_000_000 : null
}
