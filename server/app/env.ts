import path from 'node:path'
import { ConfigurationError } from '../kernel/configuration-error.ts'

export { ConfigurationError } from '../kernel/configuration-error.ts'

/** The parts of the server that one process may play; all by default. */
export const serviceNames = ['web', 'sync', 'worker', 'mcp', 'scheduler'] as const
export type ServiceName = (typeof serviceNames)[number]

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Everything that the environment may say, checked. A part that is not set is undefined, never an empty string. */
export interface Environment {
  port: number
  host: string
  /** True when only this machine can reach `host`; decides whether sign-up is open by default. */
  loopbackOnly: boolean
  /** Origin of the address that people use, without a slash at the end. */
  publicUrl: string
  /** `PUBLIC_URL` was set; else `publicUrl` is a guess. */
  publicUrlSet: boolean
  /** Where other processes of this installation reach this one, when they cannot find out by themselves. */
  internalUrl: string | undefined
  /** Absolute. */
  dataDir: string
  databaseUrl: string | undefined
  /** Session connection for slot and LISTEN; equals `databaseUrl` when not set apart. */
  databaseDirectUrl: string | undefined
  electric: { url: string; secret: string | undefined } | undefined
  /** Set without `ELECTRIC_URL` too: it opens our own `/v1/shape`. */
  electricSecret: string | undefined
  milvus: { address: string; token: string | undefined } | undefined
  /** The platform's first model provider. */
  openai: { baseUrl: string; apiKey: string | undefined; model: string | undefined } | undefined
  /** 32 hex digits, lower case: the SM4 master key. */
  masterKey: string | undefined
  admin: { email: string; password: string } | undefined
  services: ReadonlySet<ServiceName>
  leaseMs: number
  /** Opens `/metrics` and the reasons of `/api/ready` to who is not on this machine. */
  metricsToken: string | undefined
  /** Origins that http nodes may reach beyond the public internet. */
  egressAllow: readonly string[]
  /** Tests only: `/v1/shape` serves any published table. */
  shapeAnyTable: boolean
  /** Bytes after which a page of a shape ends; under the name that Electric has for it. */
  shapeChunkBytes: number
  logLevel: LogLevel
}

/** The folder that holds package.json. */
export const projectRoot = path.resolve(import.meta.dirname, '../..')

/** Reads and checks the environment; throws a ConfigurationError that says which value is wrong and what to write. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const read = (name: string): string | undefined => env[name]?.trim() || undefined
  const host = read('HOST') ?? '127.0.0.1'
  const port = readInteger('PORT', read('PORT'), { byDefault: 8787, least: 0, most: 65_535 })
  const databaseUrl = readDatabaseUrl('DATABASE_URL', read('DATABASE_URL'))
  const publicUrl = readOrigin('PUBLIC_URL', read('PUBLIC_URL'))
  const environment: Environment = {
    port,
    host,
    loopbackOnly: isLoopback(host),
    publicUrl: publicUrl ?? `http://${hostInUrl(host)}:${port}`,
    publicUrlSet: publicUrl !== undefined,
    internalUrl: readOrigin('BANYAN_INTERNAL_URL', read('BANYAN_INTERNAL_URL')),
    dataDir: path.resolve(projectRoot, read('DATA_DIR') ?? 'data'),
    databaseUrl,
    databaseDirectUrl: readDirectUrl(read('DATABASE_DIRECT_URL'), databaseUrl),
    electric: readElectric(read('ELECTRIC_URL'), read('ELECTRIC_SECRET')),
    electricSecret: read('ELECTRIC_SECRET'),
    milvus: readMilvus(read('MILVUS_ADDRESS'), read('MILVUS_TOKEN')),
    openai: readOpenAi(read('OPENAI_BASE_URL'), read('OPENAI_API_KEY'), read('OPENAI_MODEL')),
    masterKey: readMasterKey(read('BANYAN_MASTER_KEY')),
    admin: readAdmin(read('BANYAN_ADMIN_EMAIL'), env['BANYAN_ADMIN_PASSWORD'] || undefined),
    services: readServices(read('BANYAN_SERVICES')),
    leaseMs: readInteger('BANYAN_LEASE_MS', read('BANYAN_LEASE_MS'), { byDefault: 10_000, least: 300, most: 600_000 }),
    metricsToken: readToken('METRICS_TOKEN', read('METRICS_TOKEN')),
    egressAllow: readOrigins('BANYAN_EGRESS_ALLOW', read('BANYAN_EGRESS_ALLOW')),
    shapeAnyTable: readSwitch('BANYAN_SHAPE_ANY_TABLE', read('BANYAN_SHAPE_ANY_TABLE')),
    shapeChunkBytes: readInteger('ELECTRIC_SHAPE_CHUNK_BYTES_THRESHOLD', read('ELECTRIC_SHAPE_CHUNK_BYTES_THRESHOLD'), {
      byDefault: 10 * 1024 * 1024,
      least: 1_000,
      most: 100 * 1024 * 1024,
    }),
    logLevel: readChoice('LOG_LEVEL', read('LOG_LEVEL')?.toLowerCase(), logLevels) ?? 'info',
  }
  requirePartners(environment)
  return environment
}

/** Parts that this process does not play must be somewhere, and what it plays must be of use to somebody. */
function requirePartners({ services, electric, electricSecret }: Environment): void {
  if (services.has('web') && !services.has('sync') && !electric) {
    throw new ConfigurationError(
      'BANYAN_SERVICES 有 web 而没有 sync：请加上 sync，或让 ELECTRIC_URL 指向 Electric 或另一个承担 sync 的进程。',
      'BANYAN_SERVICES names web without sync: add sync, or point ELECTRIC_URL at an Electric or at another process that plays sync.',
    )
  }
  if (services.has('sync') && !services.has('web') && !electric && electricSecret === undefined) {
    throw new ConfigurationError(
      'BANYAN_SERVICES 有 sync 而没有 web：请设置 ELECTRIC_SECRET，否则没有进程能向它读取数据。',
      'BANYAN_SERVICES names sync without web: set ELECTRIC_SECRET, or no process can read from it.',
    )
  }
}

function readInteger(
  name: string,
  text: string | undefined,
  range: { byDefault: number; least: number; most: number },
): number {
  if (text === undefined) return range.byDefault
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= range.least && value <= range.most) return value
  throw bad(
    name,
    text,
    `${range.least} 到 ${range.most} 之间的整数`,
    `a whole number from ${range.least} to ${range.most}`,
  )
}

function readDatabaseUrl(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = parseUrl(text)
  if (url && /^postgres(ql)?:$/.test(url.protocol)) return text
  // The value may hold a password: it is not repeated.
  throw bad(name, undefined, 'postgres://用户:密码@主机:端口/数据库', 'postgres://user:password@host:port/database')
}

function readDirectUrl(text: string | undefined, databaseUrl: string | undefined): string | undefined {
  const direct = readDatabaseUrl('DATABASE_DIRECT_URL', text)
  if (direct === undefined || databaseUrl !== undefined) return direct ?? databaseUrl
  throw needs('DATABASE_DIRECT_URL', 'DATABASE_URL')
}

function readElectric(url: string | undefined, secret: string | undefined): Environment['electric'] {
  const address = readUrl('ELECTRIC_URL', url)
  return address === undefined ? undefined : { url: address, secret }
}

function readMilvus(address: string | undefined, token: string | undefined): Environment['milvus'] {
  if (address === undefined) {
    if (token !== undefined) throw needs('MILVUS_TOKEN', 'MILVUS_ADDRESS')
    return undefined
  }
  if (/^(https?:\/\/)?[^\s/:]+(:\d{1,5})?\/?$/.test(address)) return { address, token }
  throw bad('MILVUS_ADDRESS', address, '主机:端口，例如 127.0.0.1:19530', 'host:port, such as 127.0.0.1:19530')
}

function readOpenAi(
  baseUrl: string | undefined,
  apiKey: string | undefined,
  model: string | undefined,
): Environment['openai'] {
  const address = readUrl('OPENAI_BASE_URL', baseUrl)
  if (address === undefined && apiKey === undefined) {
    if (model !== undefined) throw needs('OPENAI_MODEL', 'OPENAI_BASE_URL')
    return undefined
  }
  return { baseUrl: address ?? 'https://api.openai.com/v1', apiKey, model }
}

function readMasterKey(text: string | undefined): string | undefined {
  if (text === undefined || /^[0-9a-f]{32}$/i.test(text)) return text?.toLowerCase()
  throw bad(
    'BANYAN_MASTER_KEY',
    undefined,
    '32 个十六进制字符（openssl rand -hex 16）',
    '32 hexadecimal digits (openssl rand -hex 16)',
  )
}

/** A token travels in a header, and is guessed at over the network. */
function readToken(name: string, text: string | undefined): string | undefined {
  if (text === undefined || /^[\w.~+/=-]{16,256}$/.test(text)) return text
  throw bad(
    name,
    undefined,
    '16 到 256 个字母、数字或 -_.~+/=（openssl rand -hex 16）',
    '16 to 256 letters, digits or -_.~+/= (openssl rand -hex 16)',
  )
}

function readAdmin(email: string | undefined, password: string | undefined): Environment['admin'] {
  if (email === undefined && password === undefined) return undefined
  if (email === undefined) throw needs('BANYAN_ADMIN_PASSWORD', 'BANYAN_ADMIN_EMAIL')
  if (password === undefined) throw needs('BANYAN_ADMIN_EMAIL', 'BANYAN_ADMIN_PASSWORD')
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw bad('BANYAN_ADMIN_EMAIL', email, '一个电子邮箱地址', 'an e-mail address')
  if (password.length < 8 || password.length > 128) {
    throw bad('BANYAN_ADMIN_PASSWORD', undefined, '8 到 128 个字符', '8 to 128 characters')
  }
  return { email: email.toLowerCase(), password }
}

function readServices(text: string | undefined): ReadonlySet<ServiceName> {
  if (text === undefined) return new Set(serviceNames)
  const chosen = new Set<ServiceName>()
  for (const part of splitList(text)) {
    const name = serviceNames.find((known) => known === part)
    if (!name) throw badChoice('BANYAN_SERVICES', part, serviceNames)
    chosen.add(name)
  }
  return chosen
}

function readOrigins(name: string, text: string | undefined): readonly string[] {
  return splitList(text ?? '').map((part) => readOrigin(name, part) ?? part)
}

/** An address whose path says nothing; returned without a slash at the end. */
function readOrigin(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = parseUrl(text)
  const plain =
    url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username
  if (plain) return url.origin
  throw bad(name, text, 'http(s)://主机[:端口]，不带路径', 'http(s)://host[:port] without a path')
}

/** An http(s) address that may have a path; returned without a slash at the end. */
function readUrl(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = parseUrl(text)
  if (url && /^https?:$/.test(url.protocol)) return text.replace(/\/+$/, '')
  throw bad(name, text, '以 http:// 或 https:// 开头的地址', 'an address that begins with http:// or https://')
}

function readSwitch(name: string, text: string | undefined): boolean {
  if (text === undefined || /^(0|false|no|off)$/i.test(text)) return false
  if (/^(1|true|yes|on)$/i.test(text)) return true
  throw bad(name, text, '1 或 0', '1 or 0')
}

function readChoice<T extends string>(name: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined
  const choice = choices.find((known) => known === text)
  if (choice) return choice
  throw badChoice(name, text, choices)
}

function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean)
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** An address that a browser on this machine can open. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** `text` is undefined where the value may be a secret. */
function bad(name: string, text: string | undefined, zh: string, en: string): ConfigurationError {
  const shown = text === undefined ? '' : `“${text.slice(0, 80)}”`
  return new ConfigurationError(
    `环境变量 ${name} 的值${shown}无效：应为${/^[\w(]/.test(zh) ? ' ' : ''}${zh}。`,
    `The environment variable ${name} has a bad value${shown && ` ${shown}`}: it must be ${en}.`,
  )
}

function badChoice(name: string, text: string, choices: readonly string[]): ConfigurationError {
  return bad(name, text, `以下之一：${choices.join('、')}`, `one of ${choices.join(', ')}`)
}

function needs(name: string, other: string): ConfigurationError {
  return new ConfigurationError(
    `设置了环境变量 ${name}，但缺少 ${other}：请同时设置两者，或都不设置。`,
    `The environment variable ${name} is set without ${other}: set both, or neither.`,
  )
}
