-- Agents, their versions, drafts and reviews; workflow node types and templates; services and tools.

create table agent_categories (
  id uuid primary key,
  name varchar(100) not null,
  parent_id uuid references agent_categories (id) on delete restrict,
  description text,
  -- more than the requirement: English name, stable slug for links, place in lists
  name_en varchar(100),
  slug varchar(100) unique,
  sort_order integer not null default 0,
  created_at timestamptz not null default now(),
  constraint agent_categories_not_own_parent check (parent_id <> id)
);
create index agent_categories_parent_id on agent_categories (parent_id);

create table agents (
  id uuid primary key,
  name varchar(255) not null,
  description text,
  developer_id uuid not null references users (id) on delete restrict,
  category_id uuid references agent_categories (id) on delete set null,
  tags text[] not null default '{}',
  status varchar(20) not null default 'draft' check (status in ('draft', 'published', 'archived')),
  download_count integer not null default 0 check (download_count >= 0),
  average_rating numeric(3, 2) check (average_rating between 0 and 5),
  published_at timestamptz,
  -- `agent/<slug>` names it in the API; the listing is what the store shows, in Chinese and English
  slug varchar(100) not null unique,
  icon varchar(64),
  listing jsonb not null default '{}',
  rating_count integer not null default 0,
  -- words and Chinese pairs of the listing, filled by the application (shared/kernel/search-text.ts)
  search tsvector,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index agents_developer_id on agents (developer_id);
create index agents_store on agents (category_id, download_count desc) where status = 'published';
create index agents_popular on agents (download_count desc, average_rating desc nulls last, published_at desc, id)
  where status = 'published' and deleted_at is null;
create index agents_search on agents using gin (search);
create index agents_tags on agents using gin (tags);

create table workflow_templates (
  id uuid primary key,
  name varchar(255) not null,
  display_name varchar(255),
  description text,
  category varchar(100),
  template_definition jsonb not null default '{}',
  parameter_schema jsonb not null default '{}',
  usage_count integer not null default 0,
  average_rating numeric(3, 2) check (average_rating between 0 and 5),
  version varchar(50) not null default '1.0.0',
  status varchar(20) not null default 'draft' check (status in ('active', 'deprecated', 'draft')),
  created_by uuid references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table node_types (
  id uuid primary key,
  type_name varchar(100) not null unique,
  display_name varchar(255) not null,
  description text,
  input_schema jsonb not null default '{}',
  output_schema jsonb not null default '{}',
  required_services text[] not null default '{}',
  default_config jsonb not null default '{}',
  category varchar(50) not null check (category in ('processing', 'io', 'control', 'integration')),
  tags text[] not null default '{}',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table workflow_template_nodes (
  id uuid primary key,
  template_id uuid not null references workflow_templates (id) on delete cascade,
  node_name varchar(128) not null,
  node_type_id uuid not null references node_types (id) on delete restrict,
  node_config jsonb not null default '{}',
  position_config jsonb,
  parent_nodes text[] not null default '{}',
  child_nodes text[] not null default '{}',
  created_at timestamptz not null default now(),
  unique (template_id, node_name)
);

create table workflow_template_edges (
  id uuid primary key,
  template_id uuid not null references workflow_templates (id) on delete cascade,
  from_node varchar(128) not null,
  to_node varchar(128),
  edge_type varchar(20) not null default 'normal' check (edge_type in ('normal', 'conditional', 'fanout')),
  condition_function text,
  condition_mapping jsonb,
  fanout_targets text[],
  fanout_condition jsonb,
  execution_order integer not null default 0,
  timeout_seconds integer check (timeout_seconds > 0),
  retry_policy jsonb,
  created_at timestamptz not null default now()
);
create index workflow_template_edges_template_id on workflow_template_edges (template_id);

create table agent_versions (
  id uuid primary key,
  agent_id uuid not null references agents (id) on delete cascade,
  version varchar(50) not null,
  service_dependencies jsonb not null default '{}',
  model_params_override jsonb,
  workflow_definition jsonb,
  workflow_template_id uuid references workflow_templates (id) on delete restrict,
  template_parameters jsonb,
  system_prompt text,
  tool_dependencies text[] not null default '{}',
  rag_enabled boolean not null default false,
  changelog text,
  is_current boolean not null default false,
  -- a snapshot of a draft is private to its author; a release is what a review decides about
  kind varchar(16) not null default 'release' check (kind in ('draft', 'release')),
  content_hash varchar(64) not null,
  -- the listing and permission manifest as submitted: what an approval publishes
  manifest jsonb not null default '{}',
  created_by uuid references users (id) on delete restrict,
  created_at timestamptz not null default now(),
  constraint agent_versions_one_definition check (num_nonnulls(workflow_definition, workflow_template_id) = 1),
  constraint agent_versions_draft_not_current check (kind = 'release' or not is_current)
);
create unique index agent_versions_one_current on agent_versions (agent_id) where is_current;
create unique index agent_versions_release on agent_versions (agent_id, version) where kind = 'release';
create unique index agent_versions_draft on agent_versions (agent_id, content_hash) where kind = 'draft';

create function agent_versions_are_frozen() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - 'is_current' is distinct from to_jsonb(old) - 'is_current' then
    raise exception 'agent_versions is immutable but for is_current' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger agent_versions_frozen before update on agent_versions
  for each row execute function agent_versions_are_frozen();

-- What a developer edits: private, synced, offline. One per agent.
create table agent_drafts (
  id uuid primary key,
  agent_id uuid not null unique references agents (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  name varchar(255) not null,
  description text not null default '',
  category_id uuid references agent_categories (id) on delete set null,
  tags text[] not null default '{}',
  icon varchar(64),
  listing jsonb not null default '{}',
  system_prompt text not null default '',
  model_params jsonb not null default '{}',
  -- null: a prompt-only agent, compiled to start → llm → end
  workflow_definition jsonb,
  revision integer not null default 1,
  -- field → hybrid logical clock of its last write
  field_clock jsonb not null default '{}',
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index agent_drafts_user_id on agent_drafts (user_id);

create table agent_draft_revisions (
  id uuid primary key,
  draft_id uuid not null references agent_drafts (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  revision integer not null,
  content jsonb not null,
  mutation_id uuid,
  created_at timestamptz not null default now()
);
create index agent_draft_revisions_draft_id on agent_draft_revisions (draft_id, revision desc);

-- Review history of a version; its last row is its state. Append only.
create table agent_reviews (
  id uuid primary key,
  agent_id uuid not null references agents (id) on delete cascade,
  agent_version_id uuid not null references agent_versions (id) on delete cascade,
  action varchar(16) not null check (action in ('submitted', 'approved', 'rejected', 'withdrawn', 'revoked')),
  actor_id uuid not null references users (id) on delete restrict,
  reason text,
  created_at timestamptz not null default now(),
  constraint agent_reviews_reason check (action not in ('rejected', 'revoked') or length(trim(reason)) > 0)
);
create index agent_reviews_version on agent_reviews (agent_version_id, created_at desc, id desc);
create unique index agent_reviews_one_decision on agent_reviews (agent_version_id)
  where action in ('approved', 'rejected', 'withdrawn');

create function agent_reviews_are_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'agent_reviews is append only' using errcode = 'restrict_violation';
end $$;
create trigger agent_reviews_append_only before update on agent_reviews
  for each statement execute function agent_reviews_are_append_only();

-- The state of a version's review: its last row. A function, so that every reader agrees.
create function agent_version_state(version_id uuid) returns varchar language sql stable as $$
  select action from agent_reviews where agent_version_id = version_id order by created_at desc, id desc limit 1
$$;

create table agent_usages (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  first_used_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  usage_count integer not null default 1 check (usage_count >= 1),
  unique (user_id, agent_id)
);

-- What a person has installed: all that their replica learns of somebody else's agent.
create table agent_installs (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  agent_version_id uuid not null references agent_versions (id) on delete cascade,
  version varchar(50) not null,
  name varchar(255) not null,
  icon varchar(64),
  manifest jsonb not null default '{}',
  pinned boolean not null default false,
  removed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, agent_id)
);

create table agent_ratings (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  agent_id uuid not null references agents (id) on delete cascade,
  score integer not null check (score between 1 and 5),
  comment text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, agent_id)
);
create index agent_ratings_agent_id on agent_ratings (agent_id, updated_at desc);

create table providers (
  provider_id integer generated by default as identity primary key,
  provider_name varchar(100) not null unique,
  display_name varchar(255),
  service_type varchar(50) not null,
  description text,
  base_url varchar(2048),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table service_configs (
  config_id integer generated by default as identity primary key,
  provider_id integer not null references providers (provider_id) on delete cascade,
  service_name varchar(100) not null,
  service_display_name varchar(255),
  service_type varchar(50) not null,
  config_data jsonb not null default '{}',
  -- SM4 envelope, never plain text
  credentials text,
  pricing_config jsonb not null default '{}',
  limits_config jsonb not null default '{}',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, service_name)
);

create table mcp_topic_servers (
  id uuid primary key,
  server_id varchar(128) not null unique,
  name varchar(255) not null,
  description text,
  agent_version_id uuid references agent_versions (id) on delete cascade,
  endpoint_url varchar(2048),
  status varchar(20) not null default 'active' check (status in ('active', 'inactive', 'error')),
  tool_count integer not null default 0,
  total_calls integer not null default 0,
  success_calls integer not null default 0,
  average_response_time numeric(12, 3),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_health_check timestamptz
);

create table mcp_tools (
  id uuid primary key,
  name varchar(255) not null,
  version varchar(50) not null default '1.0.0',
  description text,
  tool_type varchar(20) not null check (tool_type in ('http_api', 'code_tool', 'database', 'system')),
  manifest jsonb not null default '{}',
  server_endpoint varchar(2048),
  topic_server_id varchar(128) references mcp_topic_servers (server_id) on delete set null,
  status varchar(20) not null default 'active' check (status in ('active', 'inactive', 'deprecated')),
  tags text[] not null default '{}',
  is_streaming_supported boolean not null default false,
  max_execution_time integer check (max_execution_time > 0),
  resource_requirements jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index mcp_tools_topic_server_id on mcp_tools (topic_server_id);
