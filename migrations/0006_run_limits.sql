-- By what the limits of runs and of model calls are counted.

alter table run_queue
  -- Attempts that ended with their worker, or because something would not work. A run that was handed back has lost none.
  add column failures integer not null default 0,
  -- Time that ended attempts have worked: the time limit is the run's, not an attempt's.
  add column worked_ms integer not null default 0,
  -- When the attempt at work began.
  add column leased_at timestamptz;

-- A heartbeat changes nothing but lease_until. While no index holds it, that is a HOT update: half the WAL, and a table
-- that does not grow.
drop index run_queue_leased;
create index run_queue_leased on run_queue (user_id) where lease_owner is not null;
alter table run_queue set (fillfactor = 70);

-- Calls of plain models under way: they count against their person's day before anybody knows what they cost.
create table model_calls (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  -- what the call is taken to cost until it ends
  tokens integer not null,
  -- by then it has ended, or its process has
  ends_at timestamptz not null
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_threshold = 2000000000,
  vacuum_truncate = false
);
create index model_calls_user_id on model_calls (user_id);
