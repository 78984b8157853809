import { Type } from 'typebox'
import { endpoint } from '../kernel/endpoint.ts'
import { dictionary, nothing, nullable, oneOf, time, uuid } from '../kernel/shapes.ts'
import { EXECUTION_STATUS } from './rows.ts'

/** Steps of one's own run. Inputs, outputs and prompts of somebody else's agent are left out. */
export const getRun = endpoint({
  id: 'run.get',
  method: 'GET',
  path: '/api/runs/:execution_id',
  access: 'run:read',
  params: Type.Object({ execution_id: uuid }),
  query: nothing,
  body: nothing,
  reply: Type.Object({
    execution_id: uuid,
    chat_id: uuid,
    status: oneOf(EXECUTION_STATUS),
    attempt: Type.Integer(),
    error: nullable(Type.Object({ code: Type.String(), params: Type.Optional(dictionary(Type.Unknown())) })),
    started_at: nullable(time),
    completed_at: nullable(time),
    tokens_prompt: nullable(Type.Integer()),
    tokens_completion: nullable(Type.Integer()),
    cost_estimate: nullable(Type.Number()),
    nodes: Type.Array(
      Type.Object({
        node_name: Type.String(),
        status: oneOf(['running', 'completed', 'failed', 'skipped']),
        started_at: time,
        duration_ms: nullable(Type.Integer()),
        retry_count: Type.Integer(),
        tokens_consumed: nullable(Type.Integer()),
        error_message: nullable(Type.String()),
        /** Present for the agent's own developer only. */
        input_state: Type.Optional(Type.Unknown()),
        output_state: Type.Optional(Type.Unknown()),
      }),
    ),
  }),
})

/** Models that an agent may name. */
export const listModels = endpoint({
  id: 'model.list',
  method: 'GET',
  path: '/api/models',
  access: 'model:read',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({
    models: Type.Array(Type.String()),
    default_model: Type.String(),
    kind: oneOf(['openai', 'ollama', 'demo']),
  }),
})

export const workflowEndpoints = [getRun, listModels]
