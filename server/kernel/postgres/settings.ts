/**
 * Settings of the embedded Postgres, chosen for a laptop that also runs the rest: little shared memory, no spare processes.
 * All are passed on the command line, so a cluster made by an older version gets today's values.
 */
export const embeddedSettings: Readonly<Record<string, string>> = {
  // The sync service reads logical replication; a slot that nobody reads must not fill the disk.
  wal_level: 'logical',
  max_wal_senders: '6',
  max_replication_slots: '8',
  max_slot_wal_keep_size: '2GB',
  min_wal_size: '64MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  wal_buffers: '4MB',

  max_connections: '100',
  // Small: beside it the page cache holds the same pages, and belongs to whoever needs memory.
  shared_buffers: '32MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  huge_pages: 'off',
  // Asynchronous reads cost three more processes; a database of this size lives in the page cache.
  io_method: 'sync',
  random_page_cost: '1.1',
  jit: 'off',

  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Statements, and the rows and JSON in details of errors, hold what people wrote: the log names the error only.
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_line_prefix: '%m [%p] ',
}
