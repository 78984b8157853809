-- What synchronisation needs: who has been heard up to where, and what was done.

-- One row a device. The commit LSN of its change is what settles a mutation on that device.
create table acks (
  device_id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  last_seq bigint not null,
  updated_at timestamptz not null default now()
);
create index acks_user_id on acks (user_id);

create table mutation_ledger (
  mutation_id uuid primary key,
  device_id uuid not null,
  seq bigint not null,
  user_id uuid not null references users (id) on delete cascade,
  name varchar(64) not null,
  status varchar(16) not null check (status in ('applied', 'rejected')),
  error jsonb,
  created_at timestamptz not null default now(),
  unique (device_id, seq)
);
create index mutation_ledger_created_at on mutation_ledger (created_at);

create table preferences (
  user_id uuid not null references users (id) on delete cascade,
  key varchar(64) not null,
  value jsonb not null,
  hlc varchar(64) not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, key)
);

-- Everything a replica may hold, and nothing else. FULL, because a row that leaves a shape must be named by it.
create publication banyan for table
  acks, chats, chat_messages, branch_choices, agent_drafts, agents, agent_installs, human_intervention_tasks,
  preferences, workflow_executions;
alter table acks replica identity full;
alter table chats replica identity full;
alter table chat_messages replica identity full;
alter table branch_choices replica identity full;
alter table agent_drafts replica identity full;
alter table agents replica identity full;
alter table agent_installs replica identity full;
alter table human_intervention_tasks replica identity full;
alter table preferences replica identity full;
alter table workflow_executions replica identity full;
