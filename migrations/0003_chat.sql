-- Chats, the message tree, runs and their queue, and what only runs need.

create table chats (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete restrict,
  -- null only while a chat with a draft has not run yet: each run of a draft makes its own snapshot
  agent_version_id uuid references agent_versions (id) on delete restrict,
  title varchar(255) not null default '',
  context jsonb not null default '{}',
  status varchar(20) not null default 'active' check (status in ('active', 'archived', 'deleted')),
  expires_at timestamptz,
  -- app: an ordinary chat; draft: a developer with their own draft; review: a reviewer's sandbox; api: hidden
  source varchar(16) not null default 'app' check (source in ('app', 'draft', 'review', 'api')),
  pinned boolean not null default false,
  field_clock jsonb not null default '{}',
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chats_locked check (source = 'draft' or agent_version_id is not null),
  constraint chats_deleted check ((status = 'deleted') = (deleted_at is not null))
);
create index chats_user_id on chats (user_id, updated_at desc);
create index chats_agent_id on chats (agent_id);
create index chats_expires_at on chats (expires_at) where expires_at is not null;

create table chat_messages (
  id uuid primary key,
  chat_id uuid not null references chats (id) on delete cascade,
  parent_message_id uuid references chat_messages (id) on delete cascade,
  role varchar(50) not null check (role in ('user', 'assistant', 'system')),
  content text not null default '',
  status varchar(20) not null default 'sent' check (status in ('sending', 'sent', 'failed', 'deleted')),
  metadata jsonb not null default '{}',
  workflow_execution_id uuid,
  workflow_node_name varchar(128),
  workflow_status varchar(20) not null default 'completed'
    check (workflow_status in ('queued', 'running', 'completed', 'failed', 'paused', 'cancelled')),
  message_type varchar(20) not null default 'text' check (message_type in ('text', 'progress', 'error', 'system')),
  is_intermediate boolean not null default false,
  -- the chat's owner, repeated here because every shape filters on one column of one table
  user_id uuid not null references users (id) on delete cascade,
  -- the server's order within a chat
  seq bigint generated always as identity,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint chat_messages_deleted check ((status = 'deleted') = (deleted_at is not null)),
  constraint chat_messages_not_own_parent check (parent_message_id <> id)
);
create index chat_messages_chat_id on chat_messages (chat_id, seq);
create index chat_messages_user_id on chat_messages (user_id, seq);
create index chat_messages_running on chat_messages (user_id) where status = 'sending';
create index chat_messages_parent on chat_messages (parent_message_id);

create table branch_choices (
  user_id uuid not null references users (id) on delete cascade,
  chat_id uuid not null references chats (id) on delete cascade,
  -- coalesce(parent message, chat): where the tree forks
  fork_id uuid not null,
  child_id uuid not null,
  hlc varchar(64) not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, chat_id, fork_id)
);

create table workflow_executions (
  execution_id uuid primary key,
  chat_id uuid not null references chats (id) on delete cascade,
  -- the message that triggered the run
  message_id uuid not null references chat_messages (id) on delete cascade,
  agent_version_id uuid not null references agent_versions (id) on delete restrict,
  thread_id varchar(255) not null,
  checkpoint_id varchar(255),
  checkpointer_schema varchar(64) not null default 'langgraph',
  status varchar(20) not null default 'running'
    check (status in ('queued', 'running', 'completed', 'failed', 'paused', 'interrupted', 'cancelled')),
  current_node varchar(128),
  final_result jsonb,
  error_info jsonb,
  total_nodes integer not null default 0,
  completed_nodes integer not null default 0,
  failed_nodes integer not null default 0,
  started_at timestamptz,
  completed_at timestamptz,
  paused_at timestamptz,
  user_id uuid not null references users (id) on delete cascade,
  -- the message that receives the answer
  answer_message_id uuid not null references chat_messages (id) on delete cascade,
  attempt integer not null default 0,
  tokens_prompt integer,
  tokens_completion integer,
  cost_estimate numeric(10, 6),
  created_at timestamptz not null default now(),
  unique (chat_id, thread_id)
);
create index workflow_executions_user_id on workflow_executions (user_id, created_at desc);
create index workflow_executions_message_id on workflow_executions (message_id);
create index workflow_executions_answer on workflow_executions (answer_message_id);
create index workflow_executions_version on workflow_executions (agent_version_id);

create table workflow_node_executions (
  id uuid primary key,
  execution_id uuid not null references workflow_executions (execution_id) on delete cascade,
  node_name varchar(128) not null,
  status varchar(20) not null default 'running' check (status in ('running', 'completed', 'failed', 'skipped')),
  input_state jsonb,
  output_state jsonb,
  service_calls jsonb,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  duration_ms integer,
  retry_count integer not null default 0,
  max_retries integer not null default 3,
  error_message text,
  tokens_consumed integer,
  cost_estimate numeric(10, 6)
);
create index workflow_node_executions_execution_id on workflow_node_executions (execution_id, started_at);

create table human_intervention_tasks (
  task_id uuid primary key,
  execution_id uuid not null references workflow_executions (execution_id) on delete cascade,
  node_name varchar(128) not null,
  instruction text,
  current_state jsonb,
  required_input_schema jsonb,
  status varchar(20) not null default 'pending' check (status in ('pending', 'in_progress', 'completed', 'cancelled')),
  assigned_to varchar(128),
  human_input jsonb,
  completion_note text,
  created_at timestamptz not null default now(),
  assigned_at timestamptz,
  completed_at timestamptz,
  priority integer not null default 5 check (priority between 1 and 10),
  due_at timestamptz,
  -- who is asked
  user_id uuid not null references users (id) on delete cascade
);
create index human_intervention_tasks_user_id on human_intervention_tasks (user_id, status);
create index human_intervention_tasks_execution_id on human_intervention_tasks (execution_id);

-- The queue is not the record: a row lives from push to end. So rows die as fast as they are made, and how many there
-- are says nothing: it is vacuumed by count and often, keeps its pages, and is never analysed, because statistics taken
-- while it is empty make plans of sequential scans that connections then keep. The same for the partials below.
create table run_queue (
  execution_id uuid primary key references workflow_executions (execution_id) on delete cascade,
  user_id uuid not null,
  lease_owner varchar(128),
  lease_until timestamptz,
  attempt integer not null default 0,
  run_at timestamptz not null default now(),
  priority integer not null default 0,
  cancel_requested_at timestamptz,
  -- an earlier run of the same branch that must end first
  blocked_by uuid,
  created_at timestamptz not null default now()
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_threshold = 2000000000,
  vacuum_truncate = false
);
create index run_queue_waiting on run_queue (user_id, priority desc, run_at) where lease_owner is null and blocked_by is null;
create index run_queue_leased on run_queue (lease_until) where lease_owner is not null;
create index run_queue_blocked on run_queue (blocked_by) where blocked_by is not null;

-- Text of running answers, appended about once a second; gone when the run ends.
create table run_partials (
  execution_id uuid not null references workflow_executions (execution_id) on delete cascade,
  attempt integer not null,
  seq integer not null,
  delta text not null,
  primary key (execution_id, attempt, seq)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_threshold = 2000000000,
  vacuum_truncate = false
);

-- Tokens a person used per day, for the daily cap; written with the end of each run.
create table token_usages (
  user_id uuid not null references users (id) on delete cascade,
  day date not null,
  tokens bigint not null default 0,
  primary key (user_id, day)
);

-- LangGraph's checkpoints (layout of @langchain/langgraph-checkpoint-postgres 1.0.5).
create schema langgraph;
create table langgraph.checkpoints (
  thread_id text not null,
  checkpoint_ns text not null default '',
  checkpoint_id text not null,
  parent_checkpoint_id text,
  type text,
  checkpoint jsonb not null,
  metadata jsonb not null default '{}',
  primary key (thread_id, checkpoint_ns, checkpoint_id)
);
create table langgraph.checkpoint_blobs (
  thread_id text not null,
  checkpoint_ns text not null default '',
  channel text not null,
  version text not null,
  type text not null,
  blob bytea,
  primary key (thread_id, checkpoint_ns, channel, version)
);
create table langgraph.checkpoint_writes (
  thread_id text not null,
  checkpoint_ns text not null default '',
  checkpoint_id text not null,
  task_id text not null,
  idx integer not null,
  channel text not null,
  type text,
  blob bytea not null,
  primary key (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);
create table langgraph.checkpoint_migrations (v integer primary key);
