import type { Database } from '../kernel/db.ts'
import { compose, prepared, type Part } from '../kernel/statement.ts'
import { checkpointParts, type CheckpointWrite, type Fence } from './engine/index.ts'
import { nodesPart, tokensPart } from './node-record.repository.ts'
import type { NodeRecord } from './run-node.ts'

/** What a run has behind it when an attempt begins. */
export interface Past {
  /** Attempts that ended with their worker, or because something would not work. */
  failures: number
  /** Time that earlier attempts have worked. */
  worked_ms: number
}

/** A queue row that this worker now holds. */
export interface Claim extends Past, Record<string, unknown> {
  execution_id: string
  user_id: string
  attempt: number
  cancelled: boolean
}

/** Text to append to a run's partials. */
export interface TextPiece {
  fence: Fence
  seq: number
  delta: string
}

/** The queue's SQL. `owner` is this worker; a lease lasts `lease_ms` from the database's clock. */
export class RunQueue {
  readonly #db: Database
  readonly #owner: string
  readonly #lease_ms: number

  constructor(db: Database, owner: string, lease_ms: number) {
    this.#db = db
    this.#owner = owner
    this.#lease_ms = lease_ms
  }

  /**
   * Claims up to `most` waiting runs, in turns over the people who wait: everybody's first before anybody's second,
   * counting what they have running, at most `per_user` each. People are found by a loose index scan over
   * `run_queue_waiting` (https://wiki.postgresql.org/wiki/Loose_indexscan), so a long queue of one costs nobody else.
   */
  claim(most: number, per_user: number): Promise<Claim[]> {
    return this.#db.query<Claim>(prepared(CLAIM, [this.#owner, this.#lease_ms, most, per_user]))
  }

  /**
   * Claims up to `most` runs. Those whose worker has gone silent, the least failed first: the n-th is claimed if `company`
   * has n or more at its failures. And stopped runs that still wait, for another to end or for a place among those of
   * their person: they need neither to end.
   */
  takeOver(most: number, company: readonly number[] = []): Promise<Claim[]> {
    return this.#db.query<Claim>(prepared(TAKE_OVER, [this.#owner, this.#lease_ms, most, [...company]]))
  }

  /** Frees runs whose predecessor ended while they were being queued. True when there were some. */
  async unblock(): Promise<boolean> {
    const freed = await this.#db.query(
      prepared(
        `update run_queue q set blocked_by = null where q.blocked_by is not null
          and not exists (select from run_queue b where b.execution_id = q.blocked_by) returning 1`,
        [],
      ),
    )
    return freed.length > 0
  }

  /** Extends all leases at once. Runs that are missing from the answer are no longer ours. */
  beat(fences: readonly Fence[]): Promise<{ execution_id: string; cancelled: boolean }[]> {
    const ids = fences.map((fence) => fence.execution_id)
    const attempts = fences.map((fence) => fence.attempt)
    return this.#db.query(prepared(BEAT, [this.#owner, this.#lease_ms, ids, attempts]))
  }

  /** Appends text for all runs in one statement; the row lock keeps it from outliving the run. */
  async keep(partials: readonly TextPiece[]): Promise<void> {
    const { ids, attempts, seqs, deltas } = columnsOf(partials)
    await this.#db.query(prepared(KEEP, [this.#owner, ids, attempts, seqs, deltas]))
  }

  /** Gives a run back, claimable again after a delay, with what it had: text, records, checkpoint. */
  async handBack(back: {
    fence: Fence
    partial: TextPiece | undefined
    records: readonly NodeRecord[]
    /** Tokens that no record tells of. */
    tokens: number
    checkpoint: CheckpointWrite | undefined
    /** It goes back because something would not work, not because its worker leaves. */
    failed: boolean
  }): Promise<void> {
    const { fence, partial, checkpoint } = back
    const parts: Part[] = [
      {
        name: 'handed',
        sql: `update run_queue q set lease_owner = null, lease_until = null, leased_at = null,
            run_at = now() + $4::int * interval '1 ms', failures = q.failures + $5::int,
            worked_ms = q.worked_ms + ${WORKED_UNTIL('now()')}
          where execution_id = $1 and lease_owner = $2 and attempt = $3 returning execution_id, user_id, attempt`,
        values: [
          fence.execution_id,
          fence.lease_owner,
          fence.attempt,
          back.failed ? FAILED_DELAY_MS : 0,
          back.failed ? 1 : 0,
        ],
      },
      {
        name: 'partial',
        sql: `insert into run_partials (execution_id, attempt, seq, delta)
          select execution_id, attempt, $1::int, $2::text from handed where $2::text <> '' on conflict do nothing`,
        values: [partial?.seq ?? 0, partial?.delta ?? ''],
      },
      nodesPart(back.records, undefined, 'handed'),
      tokensPart(back.tokens, 'handed'),
      ...(checkpoint ? checkpointParts(checkpoint, 'handed') : []),
    ]
    await this.#db.query(compose(parts, 'select 1 from handed'))
  }

  /** Drops the row of a run whose execution cannot be loaded any more. */
  async drop(fence: Fence): Promise<void> {
    await this.#db.query(
      prepared('delete from run_queue where execution_id = $1 and lease_owner = $2 and attempt = $3', [
        fence.execution_id,
        fence.lease_owner,
        fence.attempt,
      ]),
    )
  }

  /** All text that earlier attempts left, of the latest that left any. */
  async textSoFar(execution_id: string): Promise<string> {
    const rows = await this.#db.query<{ text: string | null }>(
      prepared(
        `select string_agg(delta, '' order by seq) as text from run_partials
          where execution_id = $1 and attempt = (select max(attempt) from run_partials where execution_id = $1)`,
        [execution_id],
      ),
    )
    return rows[0]?.text ?? ''
  }
}

function columnsOf(partials: readonly TextPiece[]) {
  return {
    ids: partials.map(({ fence }) => fence.execution_id),
    attempts: partials.map(({ fence }) => fence.attempt),
    seqs: partials.map(({ seq }) => seq),
    deltas: partials.map(({ delta }) => delta),
  }
}

/** How long a run rests when something would not work. */
const FAILED_DELAY_MS = 1_000

/** SQL of the milliseconds that the attempt of the queue row `q` has worked when it ends at `time`. */
const WORKED_UNTIL = (time: string) => `coalesce(greatest(0, extract(epoch from ${time} - q.leased_at) * 1000), 0)::int`

/** The columns of a `Claim`. */
const CLAIMED = `q.execution_id, q.user_id, q.attempt, q.failures, q.worked_ms, q.cancel_requested_at is not null as cancelled`

const CLAIM = `
with recursive waiting (user_id) as (
  (select user_id from run_queue where lease_owner is null and blocked_by is null order by user_id limit 1)
  union all
  select (select q.user_id from run_queue q
      where q.lease_owner is null and q.blocked_by is null and q.user_id > w.user_id order by q.user_id limit 1)
  from waiting w where w.user_id is not null
), running as (
  select user_id, count(*) as n from run_queue where lease_owner is not null group by user_id
), candidate as (
  select c.execution_id
  from waiting w
  left join running r on r.user_id = w.user_id
  cross join lateral (
    select q.execution_id, q.run_at, row_number() over (order by q.priority desc, q.run_at) + coalesce(r.n, 0) as turn
    from run_queue q
    where q.user_id = w.user_id and q.lease_owner is null and q.blocked_by is null and q.run_at <= now()
    order by q.priority desc, q.run_at
    limit greatest(0, $4::int - coalesce(r.n, 0))
  ) c
  where w.user_id is not null
  order by c.turn, c.run_at
  limit $3::int
), locked as (
  select q.execution_id from run_queue q
  where q.execution_id in (select execution_id from candidate) and q.lease_owner is null and q.blocked_by is null
  for update skip locked
)
update run_queue q set lease_owner = $1::varchar, lease_until = now() + $2::int * interval '1 ms', leased_at = now(),
  attempt = q.attempt + 1
from locked l where q.execution_id = l.execution_id
returning ${CLAIMED}`

/**
 * A lease that has run out is the mark of a worker that is gone: only here that is noticed, and counted. Its attempt is
 * taken to have worked until then.
 */
const TAKE_OVER = `
with expired as (
  select execution_id, failures, row_number() over (order by failures, lease_until) as place
  from run_queue where lease_owner is not null and lease_until < now()
), locked as (
  select q.execution_id from run_queue q left join expired e on e.execution_id = q.execution_id
  where (e.place <= coalesce(($4::int[])[e.failures + 1], $3::int) and q.lease_owner is not null and q.lease_until < now())
    or (q.lease_owner is null and q.cancel_requested_at is not null)
  limit $3::int for update of q skip locked
)
update run_queue q set lease_owner = $1::varchar, lease_until = now() + $2::int * interval '1 ms', leased_at = now(),
  attempt = q.attempt + 1, failures = q.failures + (q.lease_owner is not null)::int,
  worked_ms = q.worked_ms + ${WORKED_UNTIL('q.lease_until')}
from locked l where q.execution_id = l.execution_id
returning ${CLAIMED}`

const BEAT = `
update run_queue q set lease_until = now() + $2::int * interval '1 ms'
from unnest($3::uuid[], $4::int[]) as mine (execution_id, attempt)
where q.execution_id = mine.execution_id and q.attempt = mine.attempt and q.lease_owner = $1::varchar
returning q.execution_id, q.cancel_requested_at is not null as cancelled`

const KEEP = `
with held as (
  select q.execution_id, q.attempt, mine.seq, mine.delta
  from unnest($2::uuid[], $3::int[], $4::int[], $5::text[]) as mine (execution_id, attempt, seq, delta)
  join run_queue q on q.execution_id = mine.execution_id and q.attempt = mine.attempt and q.lease_owner = $1::varchar
  for key share of q
)
insert into run_partials (execution_id, attempt, seq, delta) select execution_id, attempt, seq, delta from held
on conflict do nothing`
