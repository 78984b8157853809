import pg from 'pg'
import { ConfigurationError, errorCode } from '../configuration-error.ts'

/** The oldest Postgres we test with. */
const oldestMajor = 15

interface Facts {
  wal_level: string
  version: string
  encoding: string
  may_replicate: boolean
  role: string
}

/**
 * Checks that the database of DATABASE_URL (or DATABASE_DIRECT_URL: give the one the replication slot uses) can serve us:
 * reachable, new enough, UTF-8, wal_level = logical, and a role that may replicate. Throws a ConfigurationError that says what to do.
 */
export async function checkDatabase(url: string): Promise<void> {
  const facts = await readFacts(url)
  if (Number(facts.version) < oldestMajor * 10_000) {
    throw new ConfigurationError(
      `DATABASE_URL 指向的 Postgres 太旧（${facts.version}）：需要 ${oldestMajor} 或更新的版本。`,
      `The Postgres of DATABASE_URL is too old (${facts.version}): version ${oldestMajor} or newer is needed.`,
    )
  }
  if (facts.encoding !== 'UTF8') {
    throw new ConfigurationError(
      `DATABASE_URL 的数据库编码是 ${facts.encoding}：请用 create database … encoding 'UTF8' template template0 新建一个。`,
      `The database of DATABASE_URL is encoded in ${facts.encoding}: make one with create database … encoding 'UTF8' template template0.`,
    )
  }
  if (facts.wal_level !== 'logical') {
    throw new ConfigurationError(
      `DATABASE_URL 的 Postgres 的 wal_level 是 ${facts.wal_level}，同步需要 logical：请执行 ALTER SYSTEM SET wal_level = 'logical' 并重启 Postgres。`,
      `The Postgres of DATABASE_URL runs with wal_level = ${facts.wal_level}, and sync needs logical: run ALTER SYSTEM SET wal_level = 'logical' and restart Postgres.`,
    )
  }
  if (!facts.may_replicate) {
    const role = pg.escapeIdentifier(facts.role)
    throw new ConfigurationError(
      `数据库角色 ${facts.role} 没有复制权限：请由管理员执行 ALTER ROLE ${role} REPLICATION。`,
      `The database role ${facts.role} may not replicate: have an administrator run ALTER ROLE ${role} REPLICATION.`,
    )
  }
}

async function readFacts(url: string): Promise<Facts> {
  const client = makeClient(url)
  client.on('error', () => undefined)
  try {
    await client.connect()
    // Managed Postgres gives replication by membership in a role of its own instead of the attribute.
    const { rows } = await client.query<Facts>(`
      select current_setting('wal_level') as wal_level,
             current_setting('server_version_num') as version,
             current_setting('server_encoding') as encoding,
             current_user as role,
             exists (
               select from pg_roles r
                where (r.rolname = current_user and (r.rolreplication or r.rolsuper))
                   or (r.rolname in ('rds_replication', 'cloudsqlsuperuser', 'azure_pg_admin') and pg_has_role(current_user, r.oid, 'member'))
             ) as may_replicate`)
    const facts = rows[0]
    if (!facts) throw new Error('no answer')
    return facts
  } catch (error) {
    throw unreachable(error, client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function makeClient(url: string): pg.Client {
  try {
    return new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'banyan-check' })
  } catch (error) {
    throw new ConfigurationError(
      'DATABASE_URL 不是有效的 Postgres 地址：请写成 postgres://用户:密码@主机:端口/数据库。',
      'DATABASE_URL is not a valid Postgres address: write postgres://user:password@host:port/database.',
      { cause: error },
    )
  }
}

/** Names host and database, never the password. */
function unreachable(error: unknown, client: pg.Client): ConfigurationError {
  const place = `${client.host}:${client.port}/${client.database ?? ''}`
  const code = errorCode(error)
  const reason = error instanceof Error && error.message ? error.message : (code ?? 'unknown')
  if (code === '28P01' || code === '28000') {
    return new ConfigurationError(
      `数据库 ${place} 拒绝登录：请检查 DATABASE_URL 里的用户名和密码。`,
      `The database ${place} refused the sign-in: check user and password in DATABASE_URL.`,
      { cause: error },
    )
  }
  if (code === '3D000') {
    return new ConfigurationError(
      `数据库 ${place} 不存在：请先用 create database 创建它，或改正 DATABASE_URL。`,
      `The database ${place} does not exist: create it first, or correct DATABASE_URL.`,
      { cause: error },
    )
  }
  return new ConfigurationError(
    `连不上数据库 ${place}（${reason}）：请确认它在运行、地址正确，或去掉 DATABASE_URL 使用内置的 Postgres。`,
    `The database ${place} cannot be reached (${reason}): make sure that it runs and the address is right, or unset DATABASE_URL to use the embedded Postgres.`,
    { cause: error },
  )
}
