import { Type } from 'typebox'
import { nodeType } from './node-type.ts'
import { stateSchema, template, timeoutSeconds } from './parts.ts'

/**
 * Asks a language model. It sends: the system prompt (its own, else the agent version's), the chat's history when
 * `include_history` says so, and the rendered `prompt` (the user's message when there is none) as the last message.
 */
export const llmNode = nodeType({
  id: '019a0000-0000-7000-8000-000000000002',
  type_name: 'llm',
  display_name: { zh: '大模型', en: 'Language model' },
  description: {
    zh: '用提示词调用大模型，输出它的回答。',
    en: 'Calls a language model with a prompt and outputs its answer.',
  },
  category: 'processing',
  ports: { in: 1, out: 'many' },
  input_schema: stateSchema,
  output_schema: Type.Object({ text: Type.String(), model: Type.String(), demo: Type.Optional(Type.Boolean()) }),
  config_schema: Type.Object(
    {
      prompt: Type.Optional(template('prompt')),
      system_prompt: Type.Optional(template('system_prompt')),
      model: Type.Optional(Type.String({ title: 'model', maxLength: 200 })),
      temperature: Type.Optional(Type.Number({ title: 'temperature', minimum: 0, maximum: 2 })),
      top_p: Type.Optional(Type.Number({ title: 'top_p', minimum: 0, maximum: 1 })),
      max_tokens: Type.Optional(Type.Integer({ title: 'max_tokens', minimum: 1, maximum: 200_000 })),
      /** Absent: true for a node that no other language model node precedes. */
      include_history: Type.Optional(Type.Boolean({ title: 'include_history' })),
      timeout_seconds: Type.Optional(timeoutSeconds),
    },
    { additionalProperties: false },
  ),
  default_config: {},
  required_services: ['llm'],
  tags: ['model', 'text'],
})
