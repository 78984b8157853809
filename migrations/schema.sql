create table accounts (
  id uuid not null,
  user_id uuid not null,
  account_id character varying(255) not null,
  provider_id character varying(64) not null,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamp with time zone,
  refresh_token_expires_at timestamp with time zone,
  scope text,
  password text,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint accounts_provider_id_account_id_key UNIQUE (provider_id, account_id),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table acks (
  device_id uuid not null,
  user_id uuid not null,
  last_seq bigint not null,
  updated_at timestamp with time zone not null default now(),
  constraint acks_pkey PRIMARY KEY (device_id),
  constraint acks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table agent_categories (
  id uuid not null,
  name character varying(100) not null,
  parent_id uuid,
  description text,
  name_en character varying(100),
  slug character varying(100),
  sort_order integer not null default 0,
  created_at timestamp with time zone not null default now(),
  constraint agent_categories_slug_key UNIQUE (slug),
  constraint agent_categories_pkey PRIMARY KEY (id),
  constraint agent_categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES agent_categories(id) ON DELETE RESTRICT,
  constraint agent_categories_not_own_parent CHECK ((parent_id <> id))
);

create table agent_draft_revisions (
  id uuid not null,
  draft_id uuid not null,
  user_id uuid not null,
  revision integer not null,
  content jsonb not null,
  mutation_id uuid,
  created_at timestamp with time zone not null default now(),
  device character varying(40),
  origin character varying(20) not null default 'save'::character varying,
  constraint agent_draft_revisions_pkey PRIMARY KEY (id),
  constraint agent_draft_revisions_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES agent_drafts(id) ON DELETE CASCADE,
  constraint agent_draft_revisions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint agent_draft_revisions_origin_check CHECK (((origin)::text = ANY ((ARRAY['save'::character varying, 'merge'::character varying, 'settle'::character varying])::text[])))
);

create table agent_drafts (
  id uuid not null,
  agent_id uuid not null,
  user_id uuid not null,
  name character varying(255) not null,
  description text not null default ''::text,
  category_id uuid,
  tags text[] not null default '{}'::text[],
  icon character varying(64),
  listing jsonb not null default '{}'::jsonb,
  system_prompt text not null default ''::text,
  model_params jsonb not null default '{}'::jsonb,
  workflow_definition jsonb,
  revision integer not null default 1,
  field_clock jsonb not null default '{}'::jsonb,
  deleted_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  conflicts jsonb not null default '[]'::jsonb,
  constraint agent_drafts_agent_id_key UNIQUE (agent_id),
  constraint agent_drafts_pkey PRIMARY KEY (id),
  constraint agent_drafts_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_drafts_category_id_fkey FOREIGN KEY (category_id) REFERENCES agent_categories(id) ON DELETE SET NULL,
  constraint agent_drafts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table agent_installs (
  id uuid not null,
  user_id uuid not null,
  agent_id uuid not null,
  agent_version_id uuid not null,
  version character varying(50) not null,
  name character varying(255) not null,
  icon character varying(64),
  manifest jsonb not null default '{}'::jsonb,
  pinned boolean not null default false,
  removed_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  field_clock jsonb not null default '{}'::jsonb,
  constraint agent_installs_user_id_agent_id_key UNIQUE (user_id, agent_id),
  constraint agent_installs_pkey PRIMARY KEY (id),
  constraint agent_installs_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_installs_agent_version_id_fkey FOREIGN KEY (agent_version_id) REFERENCES agent_versions(id) ON DELETE CASCADE,
  constraint agent_installs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table agent_ratings (
  id uuid not null,
  user_id uuid not null,
  agent_id uuid not null,
  score integer not null,
  comment text,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint agent_ratings_user_id_agent_id_key UNIQUE (user_id, agent_id),
  constraint agent_ratings_pkey PRIMARY KEY (id),
  constraint agent_ratings_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_ratings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint agent_ratings_score_check CHECK (((score >= 1) AND (score <= 5)))
);

create table agent_reviews (
  id uuid not null,
  agent_id uuid not null,
  agent_version_id uuid not null,
  action character varying(16) not null,
  actor_id uuid not null,
  reason text,
  created_at timestamp with time zone not null default now(),
  constraint agent_reviews_pkey PRIMARY KEY (id),
  constraint agent_reviews_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users(id) ON DELETE RESTRICT,
  constraint agent_reviews_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_reviews_agent_version_id_fkey FOREIGN KEY (agent_version_id) REFERENCES agent_versions(id) ON DELETE CASCADE,
  constraint agent_reviews_action_check CHECK (((action)::text = ANY ((ARRAY['submitted'::character varying, 'approved'::character varying, 'rejected'::character varying, 'withdrawn'::character varying, 'revoked'::character varying])::text[]))),
  constraint agent_reviews_reason CHECK ((((action)::text <> ALL ((ARRAY['rejected'::character varying, 'revoked'::character varying])::text[])) OR (length(TRIM(BOTH FROM reason)) > 0)))
);

create table agent_usages (
  id uuid not null,
  user_id uuid not null,
  agent_id uuid not null,
  first_used_at timestamp with time zone not null default now(),
  last_used_at timestamp with time zone not null default now(),
  usage_count integer not null default 1,
  constraint agent_usages_user_id_agent_id_key UNIQUE (user_id, agent_id),
  constraint agent_usages_pkey PRIMARY KEY (id),
  constraint agent_usages_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_usages_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint agent_usages_usage_count_check CHECK ((usage_count >= 1))
);

create table agent_versions (
  id uuid not null,
  agent_id uuid not null,
  version character varying(50) not null,
  service_dependencies jsonb not null default '{}'::jsonb,
  model_params_override jsonb,
  workflow_definition jsonb,
  workflow_template_id uuid,
  template_parameters jsonb,
  system_prompt text,
  tool_dependencies text[] not null default '{}'::text[],
  rag_enabled boolean not null default false,
  changelog text,
  is_current boolean not null default false,
  kind character varying(16) not null default 'release'::character varying,
  content_hash character varying(64) not null,
  manifest jsonb not null default '{}'::jsonb,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  constraint agent_versions_pkey PRIMARY KEY (id),
  constraint agent_versions_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  constraint agent_versions_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id) ON DELETE RESTRICT,
  constraint agent_versions_workflow_template_id_fkey FOREIGN KEY (workflow_template_id) REFERENCES workflow_templates(id) ON DELETE RESTRICT,
  constraint agent_versions_draft_not_current CHECK ((((kind)::text = 'release'::text) OR (NOT is_current))),
  constraint agent_versions_kind_check CHECK (((kind)::text = ANY ((ARRAY['draft'::character varying, 'release'::character varying])::text[]))),
  constraint agent_versions_one_definition CHECK ((num_nonnulls(workflow_definition, workflow_template_id) = 1))
);

create table agents (
  id uuid not null,
  name character varying(255) not null,
  description text,
  developer_id uuid not null,
  category_id uuid,
  tags text[] not null default '{}'::text[],
  status character varying(20) not null default 'draft'::character varying,
  download_count integer not null default 0,
  average_rating numeric(3,2),
  published_at timestamp with time zone,
  slug character varying(100) not null,
  icon character varying(64),
  listing jsonb not null default '{}'::jsonb,
  rating_count integer not null default 0,
  search tsvector,
  deleted_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint agents_slug_key UNIQUE (slug),
  constraint agents_pkey PRIMARY KEY (id),
  constraint agents_category_id_fkey FOREIGN KEY (category_id) REFERENCES agent_categories(id) ON DELETE SET NULL,
  constraint agents_developer_id_fkey FOREIGN KEY (developer_id) REFERENCES users(id) ON DELETE RESTRICT,
  constraint agents_average_rating_check CHECK (((average_rating >= (0)::numeric) AND (average_rating <= (5)::numeric))),
  constraint agents_download_count_check CHECK ((download_count >= 0)),
  constraint agents_status_check CHECK (((status)::text = ANY ((ARRAY['draft'::character varying, 'published'::character varying, 'archived'::character varying])::text[])))
);

create table api_keys (
  id uuid not null,
  user_id uuid not null,
  name character varying(100) not null,
  prefix character varying(16) not null,
  key_hash bytea not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table audit_log (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  actor_id uuid,
  action character varying(64) not null,
  object_type character varying(64),
  object_id text,
  outcome character varying(16) not null default 'done'::character varying,
  params jsonb not null default '{}'::jsonb,
  request_id character varying(64),
  constraint audit_log_pkey PRIMARY KEY (id),
  constraint audit_log_outcome_check CHECK (((outcome)::text = ANY ((ARRAY['done'::character varying, 'refused'::character varying, 'failed'::character varying])::text[])))
);

create table branch_choices (
  user_id uuid not null,
  chat_id uuid not null,
  fork_id uuid not null,
  child_id uuid not null,
  hlc character varying(64) not null,
  updated_at timestamp with time zone not null default now(),
  constraint branch_choices_pkey PRIMARY KEY (user_id, chat_id, fork_id),
  constraint branch_choices_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats(id) ON DELETE CASCADE,
  constraint branch_choices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table chat_messages (
  id uuid not null,
  chat_id uuid not null,
  parent_message_id uuid,
  role character varying(50) not null,
  content text not null default ''::text,
  status character varying(20) not null default 'sent'::character varying,
  metadata jsonb not null default '{}'::jsonb,
  workflow_execution_id uuid,
  workflow_node_name character varying(128),
  workflow_status character varying(20) not null default 'completed'::character varying,
  message_type character varying(20) not null default 'text'::character varying,
  is_intermediate boolean not null default false,
  user_id uuid not null,
  seq bigint not null generated always as identity,
  deleted_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  hidden boolean not null default false,
  constraint chat_messages_pkey PRIMARY KEY (id),
  constraint chat_messages_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats(id) ON DELETE CASCADE,
  constraint chat_messages_parent_message_id_fkey FOREIGN KEY (parent_message_id) REFERENCES chat_messages(id) ON DELETE CASCADE,
  constraint chat_messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint chat_messages_deleted CHECK ((((status)::text = 'deleted'::text) = (deleted_at IS NOT NULL))),
  constraint chat_messages_message_type_check CHECK (((message_type)::text = ANY ((ARRAY['text'::character varying, 'progress'::character varying, 'error'::character varying, 'system'::character varying])::text[]))),
  constraint chat_messages_not_own_parent CHECK ((parent_message_id <> id)),
  constraint chat_messages_role_check CHECK (((role)::text = ANY ((ARRAY['user'::character varying, 'assistant'::character varying, 'system'::character varying])::text[]))),
  constraint chat_messages_status_check CHECK (((status)::text = ANY ((ARRAY['sending'::character varying, 'sent'::character varying, 'failed'::character varying, 'deleted'::character varying])::text[]))),
  constraint chat_messages_workflow_status_check CHECK (((workflow_status)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying, 'completed'::character varying, 'failed'::character varying, 'paused'::character varying, 'cancelled'::character varying])::text[])))
);

create table chats (
  id uuid not null,
  user_id uuid not null,
  agent_id uuid not null,
  agent_version_id uuid,
  title character varying(255) not null default ''::character varying,
  context jsonb not null default '{}'::jsonb,
  status character varying(20) not null default 'active'::character varying,
  expires_at timestamp with time zone,
  source character varying(16) not null default 'app'::character varying,
  pinned boolean not null default false,
  field_clock jsonb not null default '{}'::jsonb,
  deleted_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  hidden boolean not null default false,
  constraint chats_pkey PRIMARY KEY (id),
  constraint chats_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE RESTRICT,
  constraint chats_agent_version_id_fkey FOREIGN KEY (agent_version_id) REFERENCES agent_versions(id) ON DELETE RESTRICT,
  constraint chats_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint chats_deleted CHECK ((((status)::text = 'deleted'::text) = (deleted_at IS NOT NULL))),
  constraint chats_hidden CHECK ((((source)::text = 'api'::text) OR (NOT hidden))),
  constraint chats_locked CHECK ((((source)::text = 'draft'::text) OR (agent_version_id IS NOT NULL))),
  constraint chats_source_check CHECK (((source)::text = ANY ((ARRAY['app'::character varying, 'draft'::character varying, 'review'::character varying, 'api'::character varying])::text[]))),
  constraint chats_status_check CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'archived'::character varying, 'deleted'::character varying])::text[])))
);

create table draft_conflicts (
  id uuid not null,
  draft_id uuid not null,
  user_id uuid not null,
  path text not null,
  base jsonb,
  mine jsonb,
  theirs jsonb,
  hlc character varying(64) not null,
  choice character varying(20),
  settled_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint draft_conflicts_pkey PRIMARY KEY (id),
  constraint draft_conflicts_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES agent_drafts(id) ON DELETE CASCADE,
  constraint draft_conflicts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint draft_conflicts_choice_check CHECK (((choice)::text = ANY ((ARRAY['mine'::character varying, 'theirs'::character varying, 'edited'::character varying])::text[])))
);

create table human_intervention_tasks (
  task_id uuid not null,
  execution_id uuid not null,
  node_name character varying(128) not null,
  instruction text,
  current_state jsonb,
  required_input_schema jsonb,
  status character varying(20) not null default 'pending'::character varying,
  assigned_to character varying(128),
  human_input jsonb,
  completion_note text,
  created_at timestamp with time zone not null default now(),
  assigned_at timestamp with time zone,
  completed_at timestamp with time zone,
  priority integer not null default 5,
  due_at timestamp with time zone,
  user_id uuid not null,
  constraint human_intervention_tasks_pkey PRIMARY KEY (task_id),
  constraint human_intervention_tasks_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES workflow_executions(execution_id) ON DELETE CASCADE,
  constraint human_intervention_tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint human_intervention_tasks_priority_check CHECK (((priority >= 1) AND (priority <= 10))),
  constraint human_intervention_tasks_status_check CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'in_progress'::character varying, 'completed'::character varying, 'cancelled'::character varying])::text[])))
);

create table langgraph.checkpoint_blobs (
  thread_id text not null,
  checkpoint_ns text not null default ''::text,
  channel text not null,
  version text not null,
  type text not null,
  blob bytea,
  constraint checkpoint_blobs_pkey PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
);

create table langgraph.checkpoint_migrations (
  v integer not null,
  constraint checkpoint_migrations_pkey PRIMARY KEY (v)
);

create table langgraph.checkpoint_writes (
  thread_id text not null,
  checkpoint_ns text not null default ''::text,
  checkpoint_id text not null,
  task_id text not null,
  idx integer not null,
  channel text not null,
  type text,
  blob bytea not null,
  constraint checkpoint_writes_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);

create table langgraph.checkpoints (
  thread_id text not null,
  checkpoint_ns text not null default ''::text,
  checkpoint_id text not null,
  parent_checkpoint_id text,
  type text,
  checkpoint jsonb not null,
  metadata jsonb not null default '{}'::jsonb,
  constraint checkpoints_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
);

create table mcp_tools (
  id uuid not null,
  name character varying(255) not null,
  version character varying(50) not null default '1.0.0'::character varying,
  description text,
  tool_type character varying(20) not null,
  manifest jsonb not null default '{}'::jsonb,
  server_endpoint character varying(2048),
  topic_server_id character varying(128),
  status character varying(20) not null default 'active'::character varying,
  tags text[] not null default '{}'::text[],
  is_streaming_supported boolean not null default false,
  max_execution_time integer,
  resource_requirements jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint mcp_tools_pkey PRIMARY KEY (id),
  constraint mcp_tools_topic_server_id_fkey FOREIGN KEY (topic_server_id) REFERENCES mcp_topic_servers(server_id) ON DELETE SET NULL,
  constraint mcp_tools_max_execution_time_check CHECK ((max_execution_time > 0)),
  constraint mcp_tools_status_check CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'inactive'::character varying, 'deprecated'::character varying])::text[]))),
  constraint mcp_tools_tool_type_check CHECK (((tool_type)::text = ANY ((ARRAY['http_api'::character varying, 'code_tool'::character varying, 'database'::character varying, 'system'::character varying])::text[])))
);

create table mcp_topic_servers (
  id uuid not null,
  server_id character varying(128) not null,
  name character varying(255) not null,
  description text,
  agent_version_id uuid,
  endpoint_url character varying(2048),
  status character varying(20) not null default 'active'::character varying,
  tool_count integer not null default 0,
  total_calls integer not null default 0,
  success_calls integer not null default 0,
  average_response_time numeric(12,3),
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  last_health_check timestamp with time zone,
  constraint mcp_topic_servers_server_id_key UNIQUE (server_id),
  constraint mcp_topic_servers_pkey PRIMARY KEY (id),
  constraint mcp_topic_servers_agent_version_id_fkey FOREIGN KEY (agent_version_id) REFERENCES agent_versions(id) ON DELETE CASCADE,
  constraint mcp_topic_servers_status_check CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'inactive'::character varying, 'error'::character varying])::text[])))
);

create table migrations (
  id integer not null,
  name text not null,
  checksum text not null,
  breaking boolean not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (id)
);

create table model_calls (
  id uuid not null,
  user_id uuid not null,
  tokens integer not null,
  ends_at timestamp with time zone not null,
  constraint model_calls_pkey PRIMARY KEY (id),
  constraint model_calls_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table mutation_ledger (
  mutation_id uuid not null,
  device_id uuid not null,
  seq bigint not null,
  user_id uuid not null,
  name character varying(64) not null,
  status character varying(16) not null,
  error jsonb,
  created_at timestamp with time zone not null default now(),
  constraint mutation_ledger_device_id_seq_key UNIQUE (device_id, seq),
  constraint mutation_ledger_pkey PRIMARY KEY (mutation_id),
  constraint mutation_ledger_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint mutation_ledger_status_check CHECK (((status)::text = ANY ((ARRAY['applied'::character varying, 'rejected'::character varying])::text[])))
);

create table node_types (
  id uuid not null,
  type_name character varying(100) not null,
  display_name character varying(255) not null,
  description text,
  input_schema jsonb not null default '{}'::jsonb,
  output_schema jsonb not null default '{}'::jsonb,
  required_services text[] not null default '{}'::text[],
  default_config jsonb not null default '{}'::jsonb,
  category character varying(50) not null,
  tags text[] not null default '{}'::text[],
  is_active boolean not null default true,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint node_types_type_name_key UNIQUE (type_name),
  constraint node_types_pkey PRIMARY KEY (id),
  constraint node_types_category_check CHECK (((category)::text = ANY ((ARRAY['processing'::character varying, 'io'::character varying, 'control'::character varying, 'integration'::character varying])::text[])))
);

create table preferences (
  user_id uuid not null,
  key character varying(64) not null,
  value jsonb not null,
  hlc character varying(64) not null,
  updated_at timestamp with time zone not null default now(),
  constraint preferences_pkey PRIMARY KEY (user_id, key),
  constraint preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table providers (
  provider_id integer not null generated by default as identity,
  provider_name character varying(100) not null,
  display_name character varying(255),
  service_type character varying(50) not null,
  description text,
  base_url character varying(2048),
  is_active boolean not null default true,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint providers_provider_name_key UNIQUE (provider_name),
  constraint providers_pkey PRIMARY KEY (provider_id)
);

create table run_partials (
  execution_id uuid not null,
  attempt integer not null,
  seq integer not null,
  delta text not null,
  constraint run_partials_pkey PRIMARY KEY (execution_id, attempt, seq),
  constraint run_partials_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES workflow_executions(execution_id) ON DELETE CASCADE
);

create table run_queue (
  execution_id uuid not null,
  user_id uuid not null,
  lease_owner character varying(128),
  lease_until timestamp with time zone,
  attempt integer not null default 0,
  run_at timestamp with time zone not null default now(),
  priority integer not null default 0,
  cancel_requested_at timestamp with time zone,
  blocked_by uuid,
  created_at timestamp with time zone not null default now(),
  failures integer not null default 0,
  worked_ms integer not null default 0,
  leased_at timestamp with time zone,
  constraint run_queue_pkey PRIMARY KEY (execution_id),
  constraint run_queue_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES workflow_executions(execution_id) ON DELETE CASCADE
);

create table service_configs (
  config_id integer not null generated by default as identity,
  provider_id integer not null,
  service_name character varying(100) not null,
  service_display_name character varying(255),
  service_type character varying(50) not null,
  config_data jsonb not null default '{}'::jsonb,
  credentials text,
  pricing_config jsonb not null default '{}'::jsonb,
  limits_config jsonb not null default '{}'::jsonb,
  is_active boolean not null default true,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint service_configs_provider_id_service_name_key UNIQUE (provider_id, service_name),
  constraint service_configs_pkey PRIMARY KEY (config_id),
  constraint service_configs_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(provider_id) ON DELETE CASCADE
);

create table sessions (
  id uuid not null,
  user_id uuid not null,
  token character varying(255) not null,
  expires_at timestamp with time zone not null,
  ip_address character varying(64),
  user_agent text,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint sessions_token_key UNIQUE (token),
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table settings (
  key character varying(64) not null,
  value jsonb not null,
  updated_by uuid,
  updated_at timestamp with time zone not null default now(),
  constraint settings_pkey PRIMARY KEY (key),
  constraint settings_updated_by_fkey FOREIGN KEY (updated_by) REFERENCES users(id) ON DELETE SET NULL
);

create table token_usages (
  user_id uuid not null,
  day date not null,
  tokens bigint not null default 0,
  constraint token_usages_pkey PRIMARY KEY (user_id, day),
  constraint token_usages_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table users (
  id uuid not null,
  name character varying(255) not null,
  email character varying(320) not null,
  email_verified boolean not null default false,
  image text,
  roles text[] not null default '{user,developer}'::text[],
  locale character varying(16),
  epoch integer not null default 1,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint users_email_key UNIQUE (email),
  constraint users_pkey PRIMARY KEY (id),
  constraint users_roles_known CHECK ((roles <@ ARRAY['user'::text, 'developer'::text, 'reviewer'::text, 'admin'::text]))
);

create table verifications (
  id uuid not null,
  identifier text not null,
  value text not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint verifications_pkey PRIMARY KEY (id)
);

create table workflow_executions (
  execution_id uuid not null,
  chat_id uuid not null,
  message_id uuid not null,
  agent_version_id uuid not null,
  thread_id character varying(255) not null,
  checkpoint_id character varying(255),
  checkpointer_schema character varying(64) not null default 'langgraph'::character varying,
  status character varying(20) not null default 'running'::character varying,
  current_node character varying(128),
  final_result jsonb,
  error_info jsonb,
  total_nodes integer not null default 0,
  completed_nodes integer not null default 0,
  failed_nodes integer not null default 0,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  paused_at timestamp with time zone,
  user_id uuid not null,
  answer_message_id uuid not null,
  attempt integer not null default 0,
  tokens_prompt integer,
  tokens_completion integer,
  cost_estimate numeric(10,6),
  created_at timestamp with time zone not null default now(),
  hidden boolean not null default false,
  constraint workflow_executions_chat_id_thread_id_key UNIQUE (chat_id, thread_id),
  constraint workflow_executions_pkey PRIMARY KEY (execution_id),
  constraint workflow_executions_agent_version_id_fkey FOREIGN KEY (agent_version_id) REFERENCES agent_versions(id) ON DELETE RESTRICT,
  constraint workflow_executions_answer_message_id_fkey FOREIGN KEY (answer_message_id) REFERENCES chat_messages(id) ON DELETE CASCADE,
  constraint workflow_executions_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats(id) ON DELETE CASCADE,
  constraint workflow_executions_message_id_fkey FOREIGN KEY (message_id) REFERENCES chat_messages(id) ON DELETE CASCADE,
  constraint workflow_executions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint workflow_executions_status_check CHECK (((status)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying, 'completed'::character varying, 'failed'::character varying, 'paused'::character varying, 'interrupted'::character varying, 'cancelled'::character varying])::text[])))
);

create table workflow_node_executions (
  id uuid not null,
  execution_id uuid not null,
  node_name character varying(128) not null,
  status character varying(20) not null default 'running'::character varying,
  input_state jsonb,
  output_state jsonb,
  service_calls jsonb,
  started_at timestamp with time zone not null default now(),
  completed_at timestamp with time zone,
  duration_ms integer,
  retry_count integer not null default 0,
  max_retries integer not null default 3,
  error_message text,
  tokens_consumed integer,
  cost_estimate numeric(10,6),
  constraint workflow_node_executions_pkey PRIMARY KEY (id),
  constraint workflow_node_executions_execution_id_fkey FOREIGN KEY (execution_id) REFERENCES workflow_executions(execution_id) ON DELETE CASCADE,
  constraint workflow_node_executions_status_check CHECK (((status)::text = ANY ((ARRAY['running'::character varying, 'completed'::character varying, 'failed'::character varying, 'skipped'::character varying])::text[])))
);

create table workflow_template_edges (
  id uuid not null,
  template_id uuid not null,
  from_node character varying(128) not null,
  to_node character varying(128),
  edge_type character varying(20) not null default 'normal'::character varying,
  condition_function text,
  condition_mapping jsonb,
  fanout_targets text[],
  fanout_condition jsonb,
  execution_order integer not null default 0,
  timeout_seconds integer,
  retry_policy jsonb,
  created_at timestamp with time zone not null default now(),
  constraint workflow_template_edges_pkey PRIMARY KEY (id),
  constraint workflow_template_edges_template_id_fkey FOREIGN KEY (template_id) REFERENCES workflow_templates(id) ON DELETE CASCADE,
  constraint workflow_template_edges_edge_type_check CHECK (((edge_type)::text = ANY ((ARRAY['normal'::character varying, 'conditional'::character varying, 'fanout'::character varying])::text[]))),
  constraint workflow_template_edges_timeout_seconds_check CHECK ((timeout_seconds > 0))
);

create table workflow_template_nodes (
  id uuid not null,
  template_id uuid not null,
  node_name character varying(128) not null,
  node_type_id uuid not null,
  node_config jsonb not null default '{}'::jsonb,
  position_config jsonb,
  parent_nodes text[] not null default '{}'::text[],
  child_nodes text[] not null default '{}'::text[],
  created_at timestamp with time zone not null default now(),
  constraint workflow_template_nodes_template_id_node_name_key UNIQUE (template_id, node_name),
  constraint workflow_template_nodes_pkey PRIMARY KEY (id),
  constraint workflow_template_nodes_node_type_id_fkey FOREIGN KEY (node_type_id) REFERENCES node_types(id) ON DELETE RESTRICT,
  constraint workflow_template_nodes_template_id_fkey FOREIGN KEY (template_id) REFERENCES workflow_templates(id) ON DELETE CASCADE
);

create table workflow_templates (
  id uuid not null,
  name character varying(255) not null,
  display_name character varying(255),
  description text,
  category character varying(100),
  template_definition jsonb not null default '{}'::jsonb,
  parameter_schema jsonb not null default '{}'::jsonb,
  usage_count integer not null default 0,
  average_rating numeric(3,2),
  version character varying(50) not null default '1.0.0'::character varying,
  status character varying(20) not null default 'draft'::character varying,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint workflow_templates_pkey PRIMARY KEY (id),
  constraint workflow_templates_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id) ON DELETE SET NULL,
  constraint workflow_templates_average_rating_check CHECK (((average_rating >= (0)::numeric) AND (average_rating <= (5)::numeric))),
  constraint workflow_templates_status_check CHECK (((status)::text = ANY ((ARRAY['active'::character varying, 'deprecated'::character varying, 'draft'::character varying])::text[])))
);

CREATE INDEX accounts_user_id ON public.accounts USING btree (user_id);
CREATE INDEX acks_user_id ON public.acks USING btree (user_id);
CREATE INDEX agent_categories_parent_id ON public.agent_categories USING btree (parent_id);
CREATE INDEX agent_draft_revisions_draft_id ON public.agent_draft_revisions USING btree (draft_id, revision DESC);
CREATE INDEX agent_drafts_user_id ON public.agent_drafts USING btree (user_id);
CREATE INDEX agent_ratings_agent_id ON public.agent_ratings USING btree (agent_id, updated_at DESC);
CREATE INDEX agent_reviews_version ON public.agent_reviews USING btree (agent_version_id, created_at DESC, id DESC);
CREATE INDEX agents_developer_id ON public.agents USING btree (developer_id);
CREATE INDEX agents_popular ON public.agents USING btree (download_count DESC, average_rating DESC NULLS LAST, published_at DESC, id) WHERE (((status)::text = 'published'::text) AND (deleted_at IS NULL));
CREATE INDEX agents_search ON public.agents USING gin (search);
CREATE INDEX agents_store ON public.agents USING btree (category_id, download_count DESC) WHERE ((status)::text = 'published'::text);
CREATE INDEX agents_tags ON public.agents USING gin (tags);
CREATE INDEX api_keys_user_id ON public.api_keys USING btree (user_id);
CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor_id, id);
CREATE INDEX audit_log_object ON public.audit_log USING btree (object_type, object_id, id);
CREATE INDEX chat_messages_chat_id ON public.chat_messages USING btree (chat_id, seq);
CREATE INDEX chat_messages_parent ON public.chat_messages USING btree (parent_message_id);
CREATE INDEX chat_messages_running ON public.chat_messages USING btree (user_id) WHERE ((status)::text = 'sending'::text);
CREATE INDEX chat_messages_user_id ON public.chat_messages USING btree (user_id, seq);
CREATE INDEX chats_agent_id ON public.chats USING btree (agent_id);
CREATE INDEX chats_expires_at ON public.chats USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX chats_user_id ON public.chats USING btree (user_id, updated_at DESC);
CREATE INDEX draft_conflicts_draft_id ON public.draft_conflicts USING btree (draft_id);
CREATE INDEX draft_conflicts_user_id ON public.draft_conflicts USING btree (user_id);
CREATE INDEX human_intervention_tasks_execution_id ON public.human_intervention_tasks USING btree (execution_id);
CREATE INDEX human_intervention_tasks_user_id ON public.human_intervention_tasks USING btree (user_id, status);
CREATE INDEX mcp_tools_topic_server_id ON public.mcp_tools USING btree (topic_server_id);
CREATE INDEX model_calls_user_id ON public.model_calls USING btree (user_id);
CREATE INDEX mutation_ledger_created_at ON public.mutation_ledger USING btree (created_at);
CREATE INDEX run_queue_blocked ON public.run_queue USING btree (blocked_by) WHERE (blocked_by IS NOT NULL);
CREATE INDEX run_queue_leased ON public.run_queue USING btree (user_id) WHERE (lease_owner IS NOT NULL);
CREATE INDEX run_queue_waiting ON public.run_queue USING btree (user_id, priority DESC, run_at) WHERE ((lease_owner IS NULL) AND (blocked_by IS NULL));
CREATE INDEX sessions_user_id ON public.sessions USING btree (user_id);
CREATE INDEX verifications_identifier ON public.verifications USING btree (identifier);
CREATE INDEX workflow_executions_answer ON public.workflow_executions USING btree (answer_message_id);
CREATE INDEX workflow_executions_message_id ON public.workflow_executions USING btree (message_id);
CREATE INDEX workflow_executions_user_id ON public.workflow_executions USING btree (user_id, created_at DESC);
CREATE INDEX workflow_executions_version ON public.workflow_executions USING btree (agent_version_id);
CREATE INDEX workflow_node_executions_execution_id ON public.workflow_node_executions USING btree (execution_id, started_at);
CREATE INDEX workflow_template_edges_template_id ON public.workflow_template_edges USING btree (template_id);
CREATE TRIGGER accounts_audit AFTER UPDATE ON public.accounts FOR EACH ROW EXECUTE FUNCTION audit_auth_change();
CREATE TRIGGER agent_reviews_append_only BEFORE UPDATE ON public.agent_reviews FOR EACH STATEMENT EXECUTE FUNCTION agent_reviews_are_append_only();
CREATE TRIGGER agent_versions_frozen BEFORE UPDATE ON public.agent_versions FOR EACH ROW EXECUTE FUNCTION agent_versions_are_frozen();
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER sessions_audit AFTER INSERT OR DELETE ON public.sessions FOR EACH ROW EXECUTE FUNCTION audit_auth_change();
CREATE TRIGGER users_audit AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION audit_auth_change();
CREATE TRIGGER workflow_executions_checkpoints AFTER DELETE ON public.workflow_executions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION checkpoints_leave_with_runs();
CREATE UNIQUE INDEX agent_reviews_one_decision ON public.agent_reviews USING btree (agent_version_id) WHERE ((action)::text = ANY ((ARRAY['approved'::character varying, 'rejected'::character varying, 'withdrawn'::character varying])::text[]));
CREATE UNIQUE INDEX agent_versions_draft ON public.agent_versions USING btree (agent_id, content_hash) WHERE ((kind)::text = 'draft'::text);
CREATE UNIQUE INDEX agent_versions_one_current ON public.agent_versions USING btree (agent_id) WHERE is_current;
CREATE UNIQUE INDEX agent_versions_release ON public.agent_versions USING btree (agent_id, version) WHERE ((kind)::text = 'release'::text);
acks replica identity full;
agent_drafts replica identity full;
agent_installs replica identity full;
agents replica identity full;
branch_choices replica identity full;
chat_messages replica identity full;
chats replica identity full;
draft_conflicts replica identity full;
human_intervention_tasks replica identity full;
model_calls with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_analyze_threshold=2000000000, vacuum_truncate=false);
preferences replica identity full;
publication banyan: acks;
publication banyan: agent_drafts;
publication banyan: agent_installs;
publication banyan: agents;
publication banyan: branch_choices;
publication banyan: chat_messages;
publication banyan: chats;
publication banyan: draft_conflicts;
publication banyan: human_intervention_tasks;
publication banyan: preferences;
publication banyan: workflow_executions;
run_partials with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_analyze_threshold=2000000000, vacuum_truncate=false);
run_queue with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_analyze_threshold=2000000000, vacuum_truncate=false, fillfactor=70);
workflow_executions replica identity full;
