import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from './db.ts'
import { openTestDatabase } from './testing/database-pool.ts'

/**
 * The tables that the product promised, field by field: `name type[!]`, `!` for a field that may not be null. More
 * columns may be added; none of these may be renamed, retyped or dropped, because other programs rely on them.
 */
const PROMISED: Readonly<Record<string, string>> = {
  agent_categories: 'id uuid!, name varchar(100)!, parent_id uuid, description text, created_at timestamptz!',
  agents:
    'id uuid!, name varchar(255)!, description text, developer_id uuid!, category_id uuid, tags text[]!, status varchar!, download_count int!, average_rating numeric(3,2), published_at timestamptz, created_at timestamptz!, updated_at timestamptz!',
  agent_usages:
    'id uuid!, user_id uuid!, agent_id uuid!, first_used_at timestamptz!, last_used_at timestamptz!, usage_count int!',
  agent_versions:
    'id uuid!, agent_id uuid!, version varchar(50)!, service_dependencies jsonb!, model_params_override jsonb, workflow_definition jsonb, workflow_template_id uuid, template_parameters jsonb, system_prompt text, tool_dependencies text[]!, rag_enabled bool!, changelog text, is_current bool!, created_at timestamptz!',
  node_types:
    'id uuid!, type_name varchar!, display_name varchar!, description text, input_schema jsonb!, output_schema jsonb!, required_services text[]!, default_config jsonb!, category varchar!, tags text[]!, is_active bool!, created_at timestamptz!, updated_at timestamptz!',
  workflow_templates:
    'id uuid!, name varchar(255)!, display_name varchar, description text, category varchar, template_definition jsonb!, parameter_schema jsonb!, usage_count int!, average_rating numeric(3,2), version varchar!, status varchar!, created_by uuid, created_at timestamptz!, updated_at timestamptz!',
  workflow_template_nodes:
    'id uuid!, template_id uuid!, node_name varchar(128)!, node_type_id uuid!, node_config jsonb!, position_config jsonb, parent_nodes text[]!, child_nodes text[]!, created_at timestamptz!',
  workflow_template_edges:
    'id uuid!, template_id uuid!, from_node varchar!, to_node varchar, edge_type varchar!, condition_function text, condition_mapping jsonb, fanout_targets text[], fanout_condition jsonb, execution_order int!, timeout_seconds int, retry_policy jsonb, created_at timestamptz!',
  chats:
    'id uuid!, user_id uuid!, agent_id uuid!, agent_version_id uuid, title varchar(255)!, context jsonb!, status varchar!, expires_at timestamptz, created_at timestamptz!, updated_at timestamptz!',
  chat_messages:
    'id uuid!, chat_id uuid!, parent_message_id uuid, role varchar(50)!, content text!, status varchar!, metadata jsonb!, workflow_execution_id uuid, workflow_node_name varchar(128), workflow_status varchar!, message_type varchar!, is_intermediate bool!, created_at timestamptz!',
  workflow_executions:
    'execution_id uuid!, chat_id uuid!, message_id uuid!, agent_version_id uuid!, thread_id varchar(255)!, checkpoint_id varchar(255), checkpointer_schema varchar(64)!, status varchar!, current_node varchar(128), final_result jsonb, error_info jsonb, total_nodes int!, completed_nodes int!, failed_nodes int!, started_at timestamptz, completed_at timestamptz, paused_at timestamptz',
  workflow_node_executions:
    'id uuid!, execution_id uuid!, node_name varchar(128)!, status varchar!, input_state jsonb, output_state jsonb, service_calls jsonb, started_at timestamptz!, completed_at timestamptz, duration_ms int, retry_count int!, max_retries int!, error_message text, tokens_consumed int, cost_estimate numeric(10,6)',
  human_intervention_tasks:
    'task_id uuid!, execution_id uuid!, node_name varchar(128)!, instruction text, current_state jsonb, required_input_schema jsonb, status varchar!, assigned_to varchar(128), human_input jsonb, completion_note text, created_at timestamptz!, assigned_at timestamptz, completed_at timestamptz, priority int!, due_at timestamptz',
  providers:
    'provider_id int!, provider_name varchar!, display_name varchar, service_type varchar!, description text, base_url varchar, is_active bool!, created_at timestamptz!, updated_at timestamptz!',
  service_configs:
    'config_id int!, provider_id int!, service_name varchar!, service_display_name varchar, service_type varchar!, config_data jsonb!, credentials text, pricing_config jsonb!, limits_config jsonb!, is_active bool!, created_at timestamptz!, updated_at timestamptz!',
  mcp_tools:
    'id uuid!, name varchar!, version varchar!, description text, tool_type varchar!, manifest jsonb!, server_endpoint varchar, topic_server_id varchar, status varchar!, tags text[]!, is_streaming_supported bool!, max_execution_time int, resource_requirements jsonb!, created_at timestamptz!, updated_at timestamptz!',
  mcp_topic_servers:
    'id uuid!, server_id varchar!, name varchar!, description text, agent_version_id uuid, endpoint_url varchar, status varchar!, tool_count int!, total_calls int!, success_calls int!, average_response_time numeric, created_at timestamptz!, updated_at timestamptz!, last_health_check timestamptz',
}

/** Values that a promised column has when nothing is said. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'agents.status': 'draft',
  'agents.download_count': '0',
  'agent_usages.usage_count': '1',
  'agent_versions.service_dependencies': '{}',
  'agent_versions.tool_dependencies': '{}',
  'agent_versions.rag_enabled': 'false',
  'agent_versions.is_current': 'false',
  'node_types.is_active': 'true',
  'workflow_templates.usage_count': '0',
  'workflow_templates.version': '1.0.0',
  'workflow_template_edges.execution_order': '0',
  'chats.status': 'active',
  'chat_messages.status': 'sent',
  'chat_messages.workflow_status': 'completed',
  'chat_messages.message_type': 'text',
  'chat_messages.is_intermediate': 'false',
  'workflow_executions.checkpointer_schema': 'langgraph',
  'workflow_executions.status': 'running',
  'workflow_executions.total_nodes': '0',
  'workflow_node_executions.status': 'running',
  'workflow_node_executions.retry_count': '0',
  'workflow_node_executions.max_retries': '3',
  'human_intervention_tasks.status': 'pending',
  'human_intervention_tasks.priority': '5',
}

const LONG: Readonly<Record<string, string>> = {
  int: 'integer',
  bool: 'boolean',
  timestamptz: 'timestamp with time zone',
}

let db: Database
let drop: () => Promise<void>
beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
})
afterAll(() => drop())

interface Column extends Record<string, unknown> {
  type: string
  not_null: boolean
  expression: string | null
}

async function column(table: string, name: string): Promise<Column | undefined> {
  const [found] = await db.query<Column>(
    `select format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null, pg_get_expr(d.adbin, d.adrelid) as expression
     from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = $1::regclass and a.attname = $2 and not a.attisdropped`,
    [table, name],
  )
  return found
}

describe('the promised tables', () => {
  it.each(Object.entries(PROMISED))('%s has every field, type and nullability', async (table, fields) => {
    for (const field of fields.split(', ')) {
      const [name = '', written = ''] = field.split(' ')
      const type = written.replace('!', '')
      const found = await column(table, name)
      expect(found, `${table}.${name}`).toBeDefined()
      const expected = LONG[type] ?? type.replace(/^varchar/, 'character varying')
      // A promised length is exact; where none was promised any limit will do.
      if (type === 'varchar' || type === 'numeric')
        expect(found?.type.startsWith(expected), `${table}.${name}`).toBe(true)
      else expect(found?.type, `${table}.${name}`).toBe(expected)
      expect(found?.not_null, `${table}.${name} not null`).toBe(written.endsWith('!'))
    }
  })

  it.each(Object.entries(DEFAULTS))('%s defaults to %s', async (field, value) => {
    const [table = '', name = ''] = field.split('.')
    const found = await column(table, name)
    expect(found?.expression?.replace(/^'|'?(?:::.*)?$/g, '')).toBe(value)
  })

  it('hold the promised constraints', async () => {
    const unique = async (table: string, columns: string) => {
      const rows = await db.query<{ columns: string }>(
        `select string_agg(a.attname, ',' order by a.attname) as columns from pg_index i
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
         where i.indrelid = $1::regclass and i.indisunique group by i.indexrelid`,
        [table],
      )
      expect(
        rows.map((row) => row.columns),
        table,
      ).toContain(columns)
    }
    await unique('agent_usages', 'agent_id,user_id')
    await unique('node_types', 'type_name')
    await unique('workflow_template_nodes', 'node_name,template_id')
    await unique('workflow_executions', 'chat_id,thread_id')
    await unique('agent_versions', 'agent_id')
  })
})
