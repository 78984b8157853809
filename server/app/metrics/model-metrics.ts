import { toAppError } from '../../../shared/kernel/errors.ts'
import { estimateUsage, type ModelProvider, type ModelProviders, type ModelUsage } from '../../config/index.ts'
import { Counter, Histogram, type Registry } from '../../kernel/metrics.ts'

/** The same providers, with their calls counted, timed, and their tokens added up. */
export function measureModels(models: ModelProviders, registry: Registry): ModelProviders {
  const record = recorder(registry)
  const known = new WeakMap<ModelProvider, ModelProvider>()
  const measured = (provider: ModelProvider): ModelProvider => {
    const made = known.get(provider) ?? measureProvider(provider, record)
    known.set(provider, made)
    return made
  }
  return {
    current: () => measured(models.current()),
    start: () => models.start(),
    stop: () => models.stop(),
  }
}

interface Call {
  provider: string
  /** `ok`, `stopped` by us, or the code of the error. */
  outcome: string
  seconds: number
  first_text_seconds: number | undefined
  /** Undefined when the model never answered. */
  usage: ModelUsage | undefined
}

function measureProvider(provider: ModelProvider, record: (call: Call) => void): ModelProvider {
  const { kind } = provider
  return {
    kind,
    default_model: provider.default_model,
    list: () => provider.list(),
    async stream(request, signal, onEvent) {
      const began = performance.now()
      const since = () => (performance.now() - began) / 1000
      let first: number | undefined
      let usage: ModelUsage | undefined
      let heard = ''
      let outcome = 'ok'
      try {
        const result = await provider.stream(request, signal, (event) => {
          if (event.type === 'usage') usage = event.usage
          else {
            first ??= since()
            heard += event.text
          }
          onEvent(event)
        })
        usage = result.usage ?? usage
        return result
      } catch (error) {
        outcome = signal.aborted ? 'stopped' : toAppError(error).code
        throw error
      } finally {
        usage ??= heard === '' ? undefined : estimateUsage(request.messages, heard)
        record({ provider: kind, outcome, seconds: since(), first_text_seconds: first, usage })
      }
    },
  }
}

function recorder(registry: Registry): (call: Call) => void {
  const registers = [registry]
  const calls = new Counter({
    name: 'banyan_model_calls_total',
    help: 'Calls of language models, by how they ended.',
    labelNames: ['provider', 'outcome'],
    registers,
  })
  const tokens = new Counter({
    name: 'banyan_model_tokens_total',
    help: 'Tokens of model calls; estimated where the provider does not count.',
    labelNames: ['kind'],
    registers,
  })
  const firstText = new Histogram({
    name: 'banyan_model_first_text_seconds',
    help: 'Time from a call to its first text.',
    labelNames: ['provider'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
    registers,
  })
  const durations = new Histogram({
    name: 'banyan_model_call_duration_seconds',
    help: 'Time from a call to its end.',
    labelNames: ['provider'],
    buckets: [0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160],
    registers,
  })
  return ({ provider, outcome, seconds, first_text_seconds, usage }) => {
    calls.inc({ provider, outcome })
    durations.observe({ provider }, seconds)
    if (first_text_seconds !== undefined) firstText.observe({ provider }, first_text_seconds)
    tokens.inc({ kind: 'prompt' }, usage?.prompt ?? 0)
    tokens.inc({ kind: 'completion' }, usage?.completion ?? 0)
  }
}
