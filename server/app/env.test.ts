import path from 'node:path'
import { expect, test } from 'vitest'
import { ConfigurationError, projectRoot, readEnvironment } from './env.ts'

test('an empty environment gives the documented defaults', () => {
  expect(readEnvironment({})).toEqual({
    port: 8787,
    host: '127.0.0.1',
    loopbackOnly: true,
    publicUrl: 'http://127.0.0.1:8787',
    publicUrlSet: false,
    internalUrl: undefined,
    dataDir: path.join(projectRoot, 'data'),
    databaseUrl: undefined,
    databaseDirectUrl: undefined,
    electric: undefined,
    electricSecret: undefined,
    milvus: undefined,
    openai: undefined,
    masterKey: undefined,
    admin: undefined,
    services: new Set(['web', 'sync', 'worker', 'mcp', 'scheduler']),
    leaseMs: 10_000,
    metricsToken: undefined,
    egressAllow: [],
    shapeAnyTable: false,
    shapeChunkBytes: 10_485_760,
    logLevel: 'info',
  })
})

test('a variable that is set to nothing counts as not set', () => {
  expect(readEnvironment({ PORT: '', DATABASE_URL: ' ', ELECTRIC_URL: '' }).port).toBe(8787)
})

test('a relative DATA_DIR is taken from the project, whatever folder the server is started in', () => {
  expect(readEnvironment({ DATA_DIR: './数据 1' }).dataDir).toBe(path.join(projectRoot, '数据 1'))
  expect(readEnvironment({ DATA_DIR: '/srv/banyan' }).dataDir).toBe('/srv/banyan')
})

test('a full environment is read', () => {
  const environment = readEnvironment({
    PORT: '80',
    HOST: '0.0.0.0',
    PUBLIC_URL: 'https://banyan.example/',
    DATABASE_URL: 'postgres://u:p@pool/b',
    DATABASE_DIRECT_URL: 'postgresql://u:p@db/b',
    ELECTRIC_URL: 'http://electric:3000/',
    ELECTRIC_SECRET: 's',
    MILVUS_ADDRESS: 'milvus:19530',
    OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1/',
    OPENAI_MODEL: 'qwen3',
    BANYAN_MASTER_KEY: '0123456789ABCDEF0123456789abcdef',
    BANYAN_ADMIN_EMAIL: 'Admin@example.org',
    BANYAN_ADMIN_PASSWORD: ' eight chars ',
    BANYAN_SERVICES: 'worker, mcp',
    BANYAN_LEASE_MS: '2000',
    BANYAN_INTERNAL_URL: 'http://10.0.0.4:8787/',
    METRICS_TOKEN: '0123456789abcdef',
    BANYAN_EGRESS_ALLOW: 'http://10.0.0.5:8080 https://intra.example',
    BANYAN_SHAPE_ANY_TABLE: '1',
    LOG_LEVEL: 'DEBUG',
  })
  expect(environment).toMatchObject({
    port: 80,
    loopbackOnly: false,
    publicUrl: 'https://banyan.example',
    publicUrlSet: true,
    internalUrl: 'http://10.0.0.4:8787',
    metricsToken: '0123456789abcdef',
    databaseUrl: 'postgres://u:p@pool/b',
    databaseDirectUrl: 'postgresql://u:p@db/b',
    electric: { url: 'http://electric:3000', secret: 's' },
    electricSecret: 's',
    milvus: { address: 'milvus:19530', token: undefined },
    openai: { baseUrl: 'http://127.0.0.1:11434/v1', apiKey: undefined, model: 'qwen3' },
    masterKey: '0123456789abcdef0123456789abcdef',
    admin: { email: 'admin@example.org', password: ' eight chars ' },
    leaseMs: 2000,
    egressAllow: ['http://10.0.0.5:8080', 'https://intra.example'],
    shapeAnyTable: true,
    logLevel: 'debug',
  })
  expect([...environment.services]).toEqual(['worker', 'mcp'])
})

test('a session connection falls back on DATABASE_URL', () => {
  expect(readEnvironment({ DATABASE_URL: 'postgres://u@h/b' }).databaseDirectUrl).toBe('postgres://u@h/b')
})

test.each([
  [{ PORT: '70000' }, /PORT/, /0 to 65535/],
  [{ PORT: '80a' }, /PORT/, /“80a”/],
  [{ PUBLIC_URL: 'banyan.example' }, /PUBLIC_URL/, /without a path/],
  [{ PUBLIC_URL: 'https://x.example/app' }, /PUBLIC_URL/, /without a path/],
  [{ DATABASE_URL: 'mysql://u:geheim@h/b' }, /DATABASE_URL/, /postgres:\/\/user/],
  [{ DATABASE_DIRECT_URL: 'postgres://u@h/b' }, /DATABASE_DIRECT_URL/, /without DATABASE_URL/],
  [{ ELECTRIC_URL: 'electric:3000' }, /ELECTRIC_URL/, /http:\/\//],
  [{ MILVUS_TOKEN: 'geheim' }, /MILVUS_TOKEN/, /without MILVUS_ADDRESS/],
  [{ OPENAI_MODEL: 'gpt' }, /OPENAI_MODEL/, /without OPENAI_BASE_URL/],
  [{ BANYAN_MASTER_KEY: 'geheim' }, /BANYAN_MASTER_KEY/, /32 hexadecimal/],
  [{ BANYAN_ADMIN_EMAIL: 'a@b.c' }, /BANYAN_ADMIN_EMAIL/, /without BANYAN_ADMIN_PASSWORD/],
  [{ BANYAN_ADMIN_EMAIL: 'a@b.c', BANYAN_ADMIN_PASSWORD: 'geheim' }, /BANYAN_ADMIN_PASSWORD/, /8 to 128/],
  [{ BANYAN_SERVICES: 'web,cron' }, /BANYAN_SERVICES/, /“cron”.*one of web, sync/],
  [{ BANYAN_LEASE_MS: '10' }, /BANYAN_LEASE_MS/, /from 300/],
  [{ BANYAN_EGRESS_ALLOW: '*' }, /BANYAN_EGRESS_ALLOW/, /http\(s\):/],
  [{ BANYAN_SHAPE_ANY_TABLE: 'maybe' }, /BANYAN_SHAPE_ANY_TABLE/, /1 or 0/],
  [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL/, /one of fatal, error/],
])('%j is refused in one sentence of each language, without secrets', (env, zh, en) => {
  const error = failure(env)
  expect(error.zh).toMatch(zh)
  expect(error.zh).toMatch(/。$/)
  expect(error.en).toMatch(en)
  expect(error.message).toBe(`${error.zh}\n${error.en}`)
  expect(error.message).not.toContain('geheim')
})

function failure(env: NodeJS.ProcessEnv): ConfigurationError {
  try {
    readEnvironment(env)
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  throw new Error('was accepted')
}
