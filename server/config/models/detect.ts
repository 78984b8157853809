import type { Log } from '../../kernel/log.ts'
import { demoModel } from './demo.ts'
import { OpenAiCompatible } from './openai-compatible.ts'
import type { ModelProvider, ModelProviders } from './provider.ts'

export interface DetectOptions {
  /** What the environment says (`OPENAI_*`); it wins over everything else. */
  openai?: { base_url: string; api_key?: string | undefined; model?: string | undefined } | undefined
  log: Log
  /** Where Ollama listens when it runs on this machine. */
  ollama_url?: string | undefined
  /** How often to look again while only the demonstration model is there, ms. */
  look_ms?: number | undefined
}

const OLLAMA_URL = 'http://127.0.0.1:11434'
const OPENAI_DEFAULT = 'gpt-4o-mini'

/** Chooses the provider: `OPENAI_*`, else Ollama on this machine, else the demonstration model. */
export function detectModels(options: DetectOptions): ModelProviders {
  let provider: ModelProvider = options.openai
    ? configured(options.openai, options.openai.model ?? OPENAI_DEFAULT)
    : demoModel()
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const found = await findOllama(options.ollama_url ?? OLLAMA_URL)
    if (!found) return
    provider = found
    clearInterval(timer)
    options.log.info({ event: 'model.found', kind: found.kind, model: found.default_model })
  }

  return {
    current: () => provider,
    async start() {
      if (options.openai) provider = await withModel(options.openai, options.log)
      else {
        await look()
        if (provider.kind === 'demo') timer = setInterval(() => void look(), options.look_ms ?? 30_000).unref()
      }
      options.log.info({ event: 'model.chosen', kind: provider.kind, model: provider.default_model })
    },
    stop: async () => {
      clearInterval(timer)
      if (provider instanceof OpenAiCompatible) await provider.close()
    },
  }
}

function configured(openai: NonNullable<DetectOptions['openai']>, default_model: string): OpenAiCompatible {
  return new OpenAiCompatible({ kind: 'openai', base_url: openai.base_url, api_key: openai.api_key, default_model })
}

/** Without `OPENAI_MODEL` the first model of the provider's list serves, or OpenAI's small one on its own address. */
async function withModel(openai: NonNullable<DetectOptions['openai']>, log: Log): Promise<ModelProvider> {
  if (openai.model) return configured(openai, openai.model)
  if (new URL(openai.base_url).hostname === 'api.openai.com') return configured(openai, OPENAI_DEFAULT)
  const asked = configured(openai, OPENAI_DEFAULT)
  try {
    const [first] = await asked.list()
    return first === undefined ? asked : configured(openai, first)
  } catch (error) {
    log.warn({ event: 'model.list-failed', reason: error instanceof Error ? error.message : String(error) })
    return asked
  }
}

/** Undefined when Ollama does not run here or has no model yet. */
async function findOllama(url: string): Promise<OpenAiCompatible | undefined> {
  const make = (default_model: string, patience?: { connect: number; first: number }) =>
    new OpenAiCompatible({ kind: 'ollama', base_url: `${url}/v1`, default_model, patience })
  const probe = make('', { connect: 500, first: 1_000 })
  try {
    const [first] = (await probe.list()).filter((name) => !/embed/i.test(name))
    return first === undefined ? undefined : make(first)
  } catch {
    return undefined
  } finally {
    await probe.close()
  }
}
