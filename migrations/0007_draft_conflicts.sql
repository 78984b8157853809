-- What two devices wrote over each other in a draft is kept and asked about, and every save can be gone back to.

create table draft_conflicts (
  id uuid primary key,
  draft_id uuid not null references agent_drafts (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  path text not null,
  base jsonb,
  mine jsonb,
  theirs jsonb,
  hlc varchar(64) not null,
  choice varchar(20) check (choice in ('mine', 'theirs', 'edited')),
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index draft_conflicts_draft_id on draft_conflicts (draft_id);
create index draft_conflicts_user_id on draft_conflicts (user_id);
alter table draft_conflicts replica identity full;
alter publication banyan add table draft_conflicts;

-- The open ones, in the row that a save reads and locks anyway: one read tells a save which conflict it goes on with.
alter table agent_drafts add column conflicts jsonb not null default '[]';

-- Pin and removal of an install each have a clock, as the fields of chats do: what was done last holds, not what came last.
alter table agent_installs add column field_clock jsonb not null default '{}';

-- Saves of one device within a minute are one revision.
alter table agent_draft_revisions
  add column device varchar(40),
  add column origin varchar(20) not null default 'save' check (origin in ('save', 'merge', 'settle'));

-- Drafts of before begin their history with what they are now.
insert into agent_draft_revisions (id, draft_id, user_id, revision, content)
select gen_random_uuid(), d.id, d.user_id, d.revision, jsonb_build_object(
  'name', d.name, 'description', d.description, 'category_id', d.category_id, 'tags', to_jsonb(d.tags), 'icon', d.icon,
  'listing', d.listing, 'system_prompt', d.system_prompt, 'model_params', d.model_params,
  'workflow_definition', d.workflow_definition)
from agent_drafts d where not exists (select 1 from agent_draft_revisions r where r.draft_id = d.id);
