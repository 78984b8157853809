import { setTimeout as pause } from 'node:timers/promises'
import type { ModelEvent, ModelProvider, ModelRequest, ModelResult } from './provider.ts'

export const DEMO_MODEL = 'banyan-demo'

/**
 * The demonstration model: what answers until a real one is connected. Deterministic; it says in Chinese and English
 * what it is and how to connect a real one, and every result carries `demo: true`.
 */
export function demoModel(options: { pace_ms?: number | undefined } = {}): ModelProvider {
  // Some 30 pieces a second: the pace at which people see real models write.
  const pace = options.pace_ms ?? 33
  return {
    kind: 'demo',
    default_model: DEMO_MODEL,
    list: () => Promise.resolve([DEMO_MODEL]),
    async stream(
      request: ModelRequest,
      signal: AbortSignal,
      onEvent: (event: ModelEvent) => void,
    ): Promise<ModelResult> {
      const text = demoAnswer(request)
      const started = performance.now()
      let first_text_ms = 0
      for (const [index, piece] of pieces(text).entries()) {
        await pause(pace, undefined, { signal })
        if (index === 0) first_text_ms = Math.round(performance.now() - started)
        onEvent({ type: 'text', text: piece })
      }
      return {
        text,
        model: DEMO_MODEL,
        demo: true,
        finish_reason: 'stop',
        usage: { prompt: 0, completion: 0 },
        first_text_ms,
        retries: 0,
      }
    },
  }
}

function demoAnswer(request: ModelRequest): string {
  const question = request.messages.findLast((message) => message.role === 'user')?.content.trim() ?? ''
  const turns = request.messages.filter((message) => message.role === 'user').length
  const characters = [...question]
  const excerpt = characters.length > 120 ? `${characters.slice(0, 120).join('')}…` : question
  const quoted = excerpt.replace(/\s*\n\s*/g, ' ')
  const words = question.match(/\p{Script=Han}|[\p{L}\p{N}]+/gu)?.length ?? 0
  return [
    `**演示模型 · Demonstration model**`,
    `这不是真正的大模型，没有理解你的问题，只是用来演示对话、同步和工作流。`,
    `This is not a real language model and has not understood you; it only shows how chats, sync and workflows behave.`,
    `你写的是 / You wrote: “${quoted}”`,
    `共 ${characters.length} 个字符、约 ${words} 个词，这是本对话的第 ${turns} 条消息。 / ${characters.length} characters, about ${words} words; message ${turns} of this chat.`,
    `要接入真正的模型，启动前设置 \`OPENAI_BASE_URL\`、\`OPENAI_API_KEY\`、\`OPENAI_MODEL\`（任何兼容 OpenAI 的服务），或在本机运行 Ollama（会自动发现）。`,
    `To connect a real model, set \`OPENAI_BASE_URL\`, \`OPENAI_API_KEY\` and \`OPENAI_MODEL\` before starting (any OpenAI-compatible service), or run Ollama on this machine; it is found by itself.`,
  ].join('\n\n')
}

/** Words with the space after them; Chinese two characters at a time. */
function pieces(text: string): string[] {
  return text.match(/\p{Script=Han}{1,2}|[^\s\p{Script=Han}]+\s*|\s+/gu) ?? []
}
