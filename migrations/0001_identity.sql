-- People, sessions, keys, audit. The first four tables belong to better-auth (fields mapped to snake_case);
-- none of this file is ever published to replicas.

create table users (
  id uuid primary key,
  name varchar(255) not null,
  email varchar(320) not null unique,
  email_verified boolean not null default false,
  image text,
  -- roles of shared/identity/permissions.ts
  roles text[] not null default '{user,developer}',
  locale varchar(16),
  -- raised when rights shrink: part of shape addresses, so that no cache answers for former rights
  epoch integer not null default 1,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_roles_known check (roles <@ array['user', 'developer', 'reviewer', 'admin'])
);

create table sessions (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  token varchar(255) not null unique,
  expires_at timestamptz not null,
  ip_address varchar(64),
  user_agent text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index sessions_user_id on sessions (user_id);

create table accounts (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  account_id varchar(255) not null,
  provider_id varchar(64) not null,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create index accounts_user_id on accounts (user_id);

create table verifications (
  id uuid primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index verifications_identifier on verifications (identifier);

-- Personal API keys (`bny_…`): shown once, stored as SHA-256 of a 256-bit random secret.
create table api_keys (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  name varchar(100) not null,
  prefix varchar(16) not null,
  key_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_user_id on api_keys (user_id);

-- Settings of this installation, by key (sign-up open, token caps …).
create table settings (
  key varchar(64) primary key,
  value jsonb not null,
  updated_by uuid references users (id) on delete set null,
  updated_at timestamptz not null default now()
);

-- Who did what, in the transaction of what it records. Append only.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor_id uuid,
  action varchar(64) not null,
  object_type varchar(64),
  object_id text,
  outcome varchar(16) not null default 'done' check (outcome in ('done', 'refused', 'failed')),
  params jsonb not null default '{}',
  request_id varchar(64)
);
create index audit_log_actor on audit_log (actor_id, id);
create index audit_log_object on audit_log (object_type, object_id, id);

create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit_log is append only' using errcode = 'restrict_violation';
end $$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function audit_log_is_append_only();

-- Sign-in and sign-out happen inside better-auth, so the record is written by trigger, in the same transaction.
create function audit_auth_change() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'sessions' and tg_op = 'INSERT' then
    insert into audit_log (actor_id, action, object_type, object_id)
      values (new.user_id, 'session.create', 'session', new.id::text);
  elsif tg_table_name = 'sessions' and tg_op = 'DELETE' then
    insert into audit_log (actor_id, action, object_type, object_id)
      values (old.user_id, 'session.end', 'session', old.id::text);
    -- every process forgets the session and closes its sockets
    perform pg_notify('banyan_session', old.user_id::text);
  elsif tg_table_name = 'users' and tg_op = 'INSERT' then
    insert into audit_log (actor_id, action, object_type, object_id, params)
      values (new.id, 'user.create', 'user', new.id::text, jsonb_build_object('roles', new.roles));
  elsif tg_table_name = 'accounts' and tg_op = 'UPDATE' and new.password is distinct from old.password then
    insert into audit_log (actor_id, action, object_type, object_id)
      values (new.user_id, 'user.change-password', 'user', new.user_id::text);
  end if;
  return null;
end $$;
create trigger sessions_audit after insert or delete on sessions for each row execute function audit_auth_change();
create trigger users_audit after insert on users for each row execute function audit_auth_change();
create trigger accounts_audit after update on accounts for each row execute function audit_auth_change();
