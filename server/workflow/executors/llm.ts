import { CAPS, cutToBytes } from '../../../shared/kernel/caps.ts'
import { llmNode } from '../../../shared/workflow/nodes/llm.ts'
import { parseTemplate, renderTemplate } from '../../../shared/workflow/template.ts'
import {
  costOf,
  estimateUsage,
  type ModelEvent,
  type ModelMessage,
  type ModelResult,
  type ProviderKind,
} from '../../config/index.ts'
import type { Executor, ModelCall, NodeContext, RunSetting } from './executor.ts'
import { preparedConfig } from './prepared-config.ts'

/** `finish_reason` of an answer that we cut off because it filled a message. */
const CUT = 'cut'

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
      const full = new AbortController()
      let room: number = CAPS.message
      const hear = (event: ModelEvent): void => {
        if (event.type === 'usage') heard.usage = event.usage
        else if (!full.signal.aborted) {
          if (heard.text === '') heard.first_text_ms = Math.round(performance.now() - began)
          const text = cutToBytes(event.text, room)
          room -= Buffer.byteLength(text)
          heard.text += text
          if (text !== '') speak(text)
          // What no message can hold is not bought.
          if (text !== event.text) full.abort(new Error('full'))
        }
      }
      const brokenOff = (finish_reason?: string) =>
        cutShort(heard, settings.model ?? provider.default_model, provider.kind, finish_reason)
      const result = await provider
        .stream({ messages, ...settings }, AbortSignal.any([signal, full.signal]), hear)
        .then((whole) => (full.signal.aborted ? brokenOff(CUT) : whole))
        .catch((error: unknown) => {
          if (full.signal.aborted && !signal.aborted) return brokenOff(CUT)
          // A model that was cut off before its first word has read the question.
          if (heard.text !== '' || heard.usage || signal.aborted)
            wasted(record(provider.kind, brokenOff(), sent, setting, messages))
          throw error
        })
      return {
        output: {
          text: result.text,
          model: result.model,
          ...(result.demo ? { demo: true } : {}),
          ...(full.signal.aborted ? { cut: true } : {}),
        },
        calls: [record(provider.kind, result, sent, setting, messages)],
      }
    }
  },
}

/** What has arrived of an answer. */
type Heard = Pick<ModelResult, 'text' | 'usage' | 'first_text_ms'>

/** As much of a result as there is of an answer that broke off. */
function cutShort(heard: Heard, model: string, kind: ProviderKind, finish_reason: string | undefined): ModelResult {
  const demo = kind === 'demo'
  return { ...heard, model, demo, finish_reason, retries: 0, ...(demo && { usage: { prompt: 0, completion: 0 } }) }
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
