import { llmNode } from '../../../shared/workflow/nodes/llm.ts'
import { parseTemplate, renderTemplate } from '../../../shared/workflow/template.ts'
import { costOf, estimateUsage, type ModelMessage, type ModelResult, type ProviderKind } from '../../config/index.ts'
import type { Executor, ModelCall, NodeContext, RunSetting } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

export const llm: Executor = {
  prepare(node) {
    const config = preparedConfig(llmNode, node)
    const prompt = config.prompt?.trim() ? parseTemplate(config.prompt) : undefined
    const system = config.system_prompt?.trim() ? parseTemplate(config.system_prompt) : undefined
    const withHistory = config.include_history ?? node.first_model

    return async ({ setting, state, signal, speak, wasted }: NodeContext) => {
      const systemText = system ? renderTemplate(system, state) : setting.system_prompt
      const question = prompt ? renderTemplate(prompt, state) : setting.text
      const history = withHistory ? setting.history : []
      const messages = [
        ...systemMessage(systemText),
        ...history.map(({ role, content }) => ({ role, content })),
        userMessage(question),
      ]
      const { model_settings: agent } = setting
      const settings = {
        model: config.model ?? agent.model,
        temperature: config.temperature ?? agent.temperature,
        top_p: config.top_p ?? agent.top_p,
        max_tokens: config.max_tokens ?? agent.max_tokens,
      }
      const provider = setting.models.current()
      const sent = { system: systemText, question, history: history.map((message) => message.id) }
      const began = performance.now()
      const heard: Heard = { text: '', usage: undefined, first_text_ms: 0 }
      const result = await provider
        .stream({ messages, ...settings }, signal, (event) => {
          if (event.type === 'usage') heard.usage = event.usage
          else {
            if (heard.text === '') heard.first_text_ms = Math.round(performance.now() - began)
            heard.text += event.text
            speak(event.text)
          }
        })
        .catch((error: unknown) => {
          const model = settings.model ?? provider.default_model
          if (heard.text !== '')
            wasted(record(provider.kind, cutShort(heard, model, provider.kind), sent, setting, messages))
          throw error
        })
      return {
        output: { text: result.text, model: result.model, ...(result.demo ? { demo: true } : {}) },
        calls: [record(provider.kind, result, sent, setting, messages)],
      }
    }
  },
}

/** What has arrived of an answer. */
type Heard = Pick<ModelResult, 'text' | 'usage' | 'first_text_ms'>

/** As much of a result as there is of an answer that broke off. */
function cutShort(heard: Heard, model: string, kind: ProviderKind): ModelResult {
  return { ...heard, model, demo: kind === 'demo', finish_reason: undefined, retries: 0 }
}

const systemMessage = (content: string | null): ModelMessage[] => (content?.trim() ? [{ role: 'system', content }] : [])
const userMessage = (content: string): ModelMessage => ({ role: 'user', content })

function record(
  provider: string,
  result: ModelResult,
  sent: { system: string | null; question: string; history: string[] },
  setting: RunSetting,
  messages: readonly ModelMessage[],
): ModelCall {
  const usage = result.usage ?? estimateUsage(messages, result.text)
  const question = sent.question === setting.text ? { message: setting.message_id } : { content: sent.question }
  return {
    service: 'model',
    provider,
    model: result.model,
    demo: result.demo,
    history: sent.history,
    // The version's own system prompt is found by the version's id.
    messages: [
      ...(sent.system && sent.system !== setting.system_prompt
        ? [{ role: 'system' as const, content: sent.system }]
        : []),
      { role: 'user', ...question },
    ],
    finish_reason: result.finish_reason,
    usage,
    usage_estimated: result.usage === undefined,
    cost: result.demo ? 0 : costOf(result.model, result.usage),
    first_text_ms: result.first_text_ms,
    retries: result.retries,
  }
}
