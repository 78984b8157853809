import type { Part } from '../kernel/statement.ts'
import type { RunOutcome } from './ports.ts'
import type { NodeRecord } from './run-node.ts'
import { storableJson } from './storable.ts'

/** Records of nodes; the CTE `guard` gives their `execution_id`. A record that is there already stays. */
export function nodesPart(records: readonly NodeRecord[], outcome: RunOutcome | undefined, guard: string): Part {
  return {
    name: 'nodes',
    sql: `insert into workflow_node_executions (id, execution_id, node_name, status, output_state, service_calls,
        started_at, completed_at, duration_ms, retry_count, max_retries, error_message, tokens_consumed, cost_estimate)
      select r.id, e.execution_id, r.node_name, r.status, r.output_state, r.service_calls, r.started_at, r.completed_at,
        r.duration_ms, r.retry_count, r.max_retries, r.error_message, r.tokens_consumed, r.cost_estimate
      from ${guard} e, jsonb_to_recordset($1::jsonb) as r (id uuid, node_name varchar, status varchar, output_state jsonb,
        service_calls jsonb, started_at timestamptz, completed_at timestamptz, duration_ms int, retry_count int,
        max_retries int, error_message text, tokens_consumed int, cost_estimate numeric)
      on conflict (id) do nothing`,
    values: [storableJson(records.map((record) => nodeRow(record, outcome)))],
  }
}

function nodeRow(record: NodeRecord, outcome: RunOutcome | undefined) {
  const { output, calls, error, ...columns } = record
  return {
    ...columns,
    output_state: outcome ? withoutAnswer(output, outcome) : output,
    service_calls: calls.length > 0 ? calls : null,
    error_message: error ? error.code : null,
    tokens_consumed: calls.length > 0 ? tokensOf([record]) : null,
    cost_estimate: calls.length > 0 ? sumOrNull(calls.map((call) => call.cost)) : null,
  }
}

/** The answer by reference where an output repeats it: kept once, and gone from everywhere when its message is deleted. */
function withoutAnswer(output: unknown, { text, answer_message_id }: RunOutcome): unknown {
  if (text === '' || typeof output !== 'object' || output === null || !('text' in output) || output.text !== text)
    return output
  return { ...output, text: { message: answer_message_id } }
}

/** Tokens that models took for these nodes. */
export function tokensOf(records: readonly NodeRecord[]): number {
  const calls = records.flatMap((record) => record.calls)
  return calls.reduce((sum, { usage }) => sum + usage.prompt + usage.completion, 0)
}

/**
 * `usage`: tokens added to the day of the person whom the CTE `guard` names (`execution_id`, `user_id`). With `own`, ids
 * of this attempt's records, those of nodes that earlier attempts have on record come on top: their ends were never
 * written, so nobody has counted them.
 */
export function tokensPart(tokens: number, guard: string, own?: readonly string[]): Part {
  const earlier = `(select coalesce(sum(n.tokens_consumed), 0) from workflow_node_executions n
    where n.execution_id = g.execution_id and n.id <> all ($2::uuid[]))`
  return {
    name: 'usage',
    sql: `insert into token_usages (user_id, day, tokens)
      select s.user_id, (now() at time zone 'utc')::date, s.tokens
      from (select g.user_id, $1::bigint${own ? ` + ${earlier}` : ''} as tokens from ${guard} g) s where s.tokens > 0
      on conflict (user_id, day) do update set tokens = token_usages.tokens + excluded.tokens`,
    values: own ? [tokens, [...own]] : [tokens],
  }
}

/** Null when one of the parts is unknown. */
export function sumOrNull(parts: readonly (number | null)[]): number | null {
  return parts.reduce<number | null>((sum, part) => (sum === null || part === null ? null : sum + part), 0)
}
