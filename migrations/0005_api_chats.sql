-- Chats of API callers are hidden and expire.

-- They belong in no replica. Their rows say so themselves, because a shape filters on columns of one table; a column of
-- its own beside user_id, because whose a row is does not change: quota, cascades and rights ask that.
alter table chats add column hidden boolean not null default false;
alter table chat_messages add column hidden boolean not null default false;
alter table workflow_executions add column hidden boolean not null default false;

update chats set hidden = true where source = 'api';
update chat_messages m set hidden = true from chats c where c.id = m.chat_id and c.hidden;
update workflow_executions e set hidden = true from chats c where c.id = e.chat_id and c.hidden;

-- One way only: an older server beside a newer one still makes such chats without the mark.
alter table chats add constraint chats_hidden check (source = 'api' or not hidden);

-- LangGraph's tables know runs by a text alone, so no foreign key can take checkpoints along.
create function checkpoints_leave_with_runs() returns trigger language plpgsql as $$
begin
  delete from langgraph.checkpoints c using gone g where c.thread_id = g.thread_id;
  delete from langgraph.checkpoint_blobs b using gone g where b.thread_id = g.thread_id;
  delete from langgraph.checkpoint_writes w using gone g where w.thread_id = g.thread_id;
  return null;
end $$;
create trigger workflow_executions_checkpoints after delete on workflow_executions
  referencing old table as gone for each statement execute function checkpoints_leave_with_runs();
