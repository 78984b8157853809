import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Express } from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueOf } from '../../kernel/validate.ts'
import { firstMessage } from '../testing/browserless.ts'
import { startMockModel, type MockModel } from '../testing/mock-model.ts'
import { startTestServer, type TestServer } from '../testing/start-server.ts'
import { operations } from './contracts.ts'
import type { OpenApiDocument } from './document.ts'
import { isSchema } from './plain-schema.ts'
import { WORDS } from './words.ts'

let model: MockModel
let server: TestServer
let document: OpenApiDocument
beforeAll(async () => {
  model = await startMockModel({ first_token_ms: 1, tokens_per_second: 2000, tokens: 5 })
  server = await startTestServer({
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'test',
    OPENAI_MODEL: 'mock',
    ELECTRIC_SECRET: 'secret-of-shapes',
  })
  document = JSON.parse(await (await fetch(`${server.origin}/api/openapi.json`)).text())
})
afterAll(async () => {
  await server.stop()
  await model.close()
})

/** Rules of OpenAPI 3.1 for what we use of it; schemas are held to JSON Schema's own rules apart. */
const META = {
  $defs: {
    schema: { type: ['object', 'boolean'] },
    content: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[a-z]+/[a-z.+-]+$' },
      additionalProperties: { type: 'object', properties: { schema: { $ref: '#/$defs/schema' } } },
    },
    response: {
      anyOf: [
        { type: 'object', required: ['$ref'], properties: { $ref: { type: 'string' } }, additionalProperties: false },
        {
          type: 'object',
          required: ['description'],
          properties: { description: { type: 'string' }, content: { $ref: '#/$defs/content' } },
          additionalProperties: false,
        },
      ],
    },
    parameter: {
      type: 'object',
      required: ['name', 'in', 'schema'],
      properties: {
        name: { type: 'string', minLength: 1 },
        in: { enum: ['path', 'query', 'header', 'cookie'] },
        required: { type: 'boolean' },
        schema: { $ref: '#/$defs/schema' },
      },
      additionalProperties: false,
      if: { properties: { in: { const: 'path' } } },
      // eslint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { required: ['required'], properties: { required: { const: true } } },
    },
    operation: {
      type: 'object',
      required: ['operationId', 'tags', 'summary', 'responses', 'security'],
      properties: {
        operationId: { type: 'string', minLength: 1 },
        tags: { type: 'array', items: { type: 'string' }, minItems: 1 },
        summary: { type: 'string', minLength: 1 },
        description: { type: 'string' },
        security: { type: 'array', items: { type: 'object', additionalProperties: { type: 'array' } } },
        parameters: { type: 'array', items: { $ref: '#/$defs/parameter' }, uniqueItems: true },
        requestBody: {
          type: 'object',
          required: ['content'],
          properties: { required: { type: 'boolean' }, content: { $ref: '#/$defs/content' } },
          additionalProperties: false,
        },
        responses: {
          type: 'object',
          minProperties: 1,
          propertyNames: { pattern: '^([1-5]\\d\\d|default)$' },
          additionalProperties: { $ref: '#/$defs/response' },
        },
      },
      additionalProperties: false,
    },
  },
  type: 'object',
  required: ['openapi', 'info', 'paths', 'components'],
  properties: {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: { type: 'object', required: ['title', 'version'] },
    servers: { type: 'array', items: { type: 'object', required: ['url'] } },
    tags: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        propertyNames: { enum: ['get', 'put', 'post', 'delete', 'patch'] },
        additionalProperties: { $ref: '#/$defs/operation' },
      },
    },
    components: {
      type: 'object',
      properties: {
        schemas: {
          type: 'object',
          propertyNames: { pattern: '^[a-zA-Z0-9._-]+$' },
          additionalProperties: { $ref: '#/$defs/schema' },
        },
        responses: { type: 'object', additionalProperties: { $ref: '#/$defs/response' } },
        securitySchemes: {
          type: 'object',
          additionalProperties: {
            oneOf: [
              { required: ['type', 'in', 'name'], properties: { type: { const: 'apiKey' } } },
              { required: ['type', 'scheme'], properties: { type: { const: 'http' } } },
            ],
          },
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
}

const operationsOf = (api: OpenApiDocument) =>
  Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

/** Every schema of the document, with where it is. */
function* schemasIn(value: unknown, place: string): Generator<{ place: string; schema: unknown }> {
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) yield* schemasIn(inner, `${place}/${index}`)
    return
  }
  if (!isSchema(value)) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'schema') yield { place: `${place}/${key}`, schema: inner }
    else yield* schemasIn(inner, `${place}/${key}`)
  }
}

function* referencesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const inner of value) yield* referencesIn(inner)
  if (!isSchema(value)) return
  if (typeof value['$ref'] === 'string') yield value['$ref']
  for (const inner of Object.values(value)) yield* referencesIn(inner)
}

/** Every route that Express would answer, by method and path as it is written in code. */
function routesOf(stack: Express['router']['stack']): { method: string; path: string }[] {
  return stack.flatMap((layer) => {
    if (layer.route) {
      const { path } = layer.route
      return layer.route.stack.map(({ method }) => ({ method: method || 'all', path }))
    }
    const inner: unknown = Reflect.get(layer.handle, 'stack')
    return Array.isArray(inner) ? routesOf(inner) : []
  })
}

describe('the OpenAPI document', () => {
  it('keeps the rules of OpenAPI and of JSON Schema', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    const check = ajv.compile(META)
    expect(check(document), JSON.stringify(check.errors?.slice(0, 3))).toBe(true)
    const schemas = [
      ...schemasIn(document.paths, 'paths'),
      ...schemasIn(document.components.responses, 'responses'),
      ...Object.entries(document.components.schemas).map(([place, schema]) => ({ place, schema })),
    ]
    expect(schemas.length).toBeGreaterThan(80)
    for (const { place, schema } of schemas) {
      const valid = ajv.validateSchema(isSchema(schema) ? schema : {})
      expect(valid, `${place}: ${JSON.stringify(ajv.errors)}`).toBe(true)
    }
  })

  it('refers to what is there, names each operation once, and each parameter of its path', () => {
    for (const reference of referencesIn(document)) {
      const [, , kind = '', name = ''] = reference.split('/')
      expect(Reflect.get(Reflect.get(document.components, kind), name), reference).toBeDefined()
    }
    const all = operationsOf(document)
    const ids = all.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of all) {
      const named = (operation.parameters ?? []).filter((each) => each.in === 'path').map(({ name }) => name)
      expect(named.toSorted(), path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted())
      for (const scheme of operation.security.flatMap((each) => Object.keys(each)))
        expect(document.components.securitySchemes).toHaveProperty(scheme)
      for (const tag of operation.tags) expect(document.tags.map(({ name }) => name)).toContain(tag)
    }
  })

  it('holds every route that the server answers, and no other', () => {
    const [listener] = server.application.server.listeners('request')
    // Express puts its router on the function it gives to Node.
    const { stack } = (listener as Express).router
    const served = routesOf(stack)
      .filter(({ path }) => !path.startsWith('/internal/') && !path.startsWith('/api/auth/'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    const described = operationsOf(document)
      .filter(({ path }) => !path.startsWith('/api/auth/'))
      .map(({ method, path }) => `${method} ${path}`)
    // By POST Electric's clients ask the same as by GET, in a body; DELETE answers nobody but tests.
    const known = new Set(served.filter((route) => route !== 'post /v1/shape' && route !== 'delete /v1/shape'))
    expect(known.size).toBeGreaterThan(35)
    expect(described.toSorted()).toEqual([...known].toSorted())
    expect(operationsOf(document).filter(({ path }) => path.startsWith('/api/auth/')).length).toBeGreaterThan(8)
  })

  it('says in both languages what each operation does', async () => {
    const ids = [...operations().map(({ id }) => id), ...authIds()]
    expect(ids.filter((id) => !WORDS[id])).toEqual([])
    expect(Object.keys(WORDS).filter((id) => !ids.includes(id))).toEqual([])
    const zh = JSON.parse(await (await fetch(`${server.origin}/api/openapi.json?lang=zh`)).text())
    expect(zh.paths['/api/keys'].post.summary).toContain('密钥')
    expect(document.paths['/api/keys']?.['post']?.summary).toMatch(/API key/)
  })

  it('tells who may call', () => {
    expect(document.paths['/api/users']?.['get']?.description).toMatch(/user:read \(admin\)/)
    expect(document.paths['/v1/models']?.['get']?.security).toEqual([{ key: [] }])
    expect(document.paths['/api/session']?.['get']?.security).toEqual([])
  })

  const authIds = () =>
    Object.keys(document.paths)
      .filter((path) => path.startsWith('/api/auth/'))
      .map((path) => path.replace('/api/', ''))
})

describe('what the document says', () => {
  it('fits what the server answers', async () => {
    const person = await server.person()
    const { key } = (await person.request('POST', '/api/keys', { name: 'docs' })).json()
    const bearer = { authorization: `Bearer ${key}` }
    const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
      "select a.id as agent_id, v.id as agent_version_id from agents a join agent_versions v on v.agent_id = a.id and v.is_current where slug = 'assistant'",
    )
    if (!agent) throw new Error('no assistant')
    const pushed = await person.push({ name: 'message.send', args: firstMessage(agent) })
    const chat = { model: 'agent/assistant', messages: [{ role: 'user', content: 'Hello' }] }
    const answers = new Map<string, unknown>([
      ['sync.push', pushed],
      [
        'sync.query',
        await json(person.request('POST', '/api/query/chat.list', { params: { status: 'active', limit: 9 } })),
      ],
      ['sync.shape', await json(person.request('GET', '/api/sync/shapes/chats?offset=-1'))],
      ['electric.health', await json(person.request('GET', '/v1/health'))],
      ['electric.shape', await json(person.request('GET', '/v1/shape?table=chats&offset=-1&secret=secret-of-shapes'))],
      ['openai.models', await json(person.request('GET', '/v1/models', undefined, bearer))],
      ['openai.chat', await json(person.request('POST', '/v1/chat/completions', chat, bearer))],
      ['health', await json(person.request('GET', '/api/health'))],
      ['ready', await json(person.request('GET', '/api/ready'))],
      ['session.get', await json(person.request('GET', '/api/session'))],
      ['key.list', await json(person.request('GET', '/api/keys'))],
      ['store.search', await json(person.request('GET', '/api/store/agents'))],
    ])
    for (const [id, answer] of answers) {
      const operation = operations().find((each) => each.id === id)
      if (!operation) throw new Error(`no operation ${id}`)
      expect(issueOf(operation.reply, answer), `${id} ${JSON.stringify(answer).slice(0, 300)}`).toBeUndefined()
    }
  })

  const json = async (reply: Promise<{ status: number; text: string }>) => {
    const { status, text } = await reply
    expect(status, text).toBe(200)
    return JSON.parse(text)
  }
})

describe('the page', () => {
  it('shows every operation, in the language that is asked for, without a script and without other hosts', async () => {
    const page = await fetch(`${server.origin}/api/docs?lang=en`)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    const text = await page.text()
    for (const { operation } of operationsOf(document)) expect(text).toContain(`<article id="${operation.operationId}"`)
    expect(text).not.toMatch(/<script|javascript:|\son\w+=/i)
    expect([...text.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1])).toSatisfy((links: string[]) =>
      links.every((link) => /^[/#?]/.test(link) && !link.startsWith('//')),
    )
    const chinese = await (await fetch(`${server.origin}/api/docs`, { headers: { 'accept-language': 'zh-CN' } })).text()
    expect(chinese).toContain('<html lang="zh-CN"')
    expect(chinese).toContain('新建 API 密钥')
  })
})
