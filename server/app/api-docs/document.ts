import { ERROR_STATUS } from '../../../shared/kernel/errors.ts'
import { isPermission, PERMISSIONS } from '../../../shared/identity/permissions.ts'
import { SHAPE_NAMES, SHAPES } from '../../../sync/protocol/shapes.ts'
import { operations, type Operation } from './contracts.ts'
import { isSchema, plainSchema, type Schema } from './plain-schema.ts'
import { ACCESS, CHROME, TAGS, WORDS, type Language } from './words.ts'

/** An OpenAPI document (https://spec.openapis.org/oas/v3.1.1.html), as far as we write one. */
export interface OpenApiDocument {
  openapi: '3.1.1'
  info: { title: string; description: string; version: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, OpenApiOperation>>
  components: {
    schemas: Record<string, Schema>
    securitySchemes: Record<string, Schema>
    responses: Record<string, Schema>
  }
}

export interface OpenApiOperation {
  operationId: string
  tags: string[]
  summary: string
  /** Who may call. */
  description: string
  security: Record<string, string[]>[]
  parameters?: { name: string; in: 'path' | 'query'; required: boolean; schema: Schema }[]
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> }
  responses: Record<string, Schema>
}

/** What better-auth says about itself. */
export interface AuthDescription {
  /** By path below `/api/auth`, then by method. */
  paths: Record<string, Record<string, Schema>>
  schemas: Record<string, Schema>
}

/** Describes everything under this server's address, from the contracts that it checks requests by. */
export function buildDocument(options: {
  language: Language
  version: string
  publicUrl: string
  auth: AuthDescription
}): OpenApiDocument {
  const { language, version, publicUrl, auth } = options
  const paths: OpenApiDocument['paths'] = {}
  const add = (path: string, method: string, described: OpenApiOperation): void => {
    paths[path] = { ...paths[path], [method]: described }
  }
  for (const [path, methods] of Object.entries(auth.paths))
    for (const [method, theirs] of Object.entries(methods))
      add(`/api/auth${path}`, method, ofAuth(path, method, theirs, language))
  for (const each of operations()) add(openApiPath(each.path), each.method.toLowerCase(), describe(each, language))
  return {
    openapi: '3.1.1',
    info: {
      title: CHROME.title[language],
      description: `${CHROME.about[language]}\n\n${CHROME.aboutErrors[language]}`,
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    tags: Object.entries(TAGS).map(([name, words]) => ({ name, description: words[language] })),
    paths,
    components: {
      schemas: { ...ownSchemas(), ...auth.schemas },
      securitySchemes: SECURITY,
      responses: errorResponses(language),
    },
  }
}

const openApiPath = (path: string) => path.replaceAll(/:([a-z_]+)/g, '{$1}')

const SECURITY: Record<string, Schema> = {
  session: { type: 'apiKey', in: 'cookie', name: 'banyan.session_token' },
  key: { type: 'http', scheme: 'bearer', description: 'bny_…' },
  operator: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN' },
  electric: { type: 'apiKey', in: 'query', name: 'secret' },
}

function describe(operation: Operation, language: Language): OpenApiOperation {
  const { id, tag, method, access, params, query, body } = operation
  const parameters = [...parametersOf('path', plainSchema(params)), ...parametersOf('query', plainSchema(query))]
  const bodySchema = plainSchema(body)
  const hasBody = method !== 'GET' && !isEmpty(bodySchema)
  return {
    operationId: id,
    tags: [tag],
    summary: WORDS[id]?.[language] ?? id,
    description: accessWords(access, language),
    security: securityOf(access),
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: { required: true, content: { 'application/json': { schema: bodySchema } } } }),
    responses: responsesOf(operation, language),
  }
}

/** An object that names no properties says nothing. */
function isEmpty(schema: Schema): boolean {
  return schema['type'] === 'object' && isSchema(schema['properties']) && Object.keys(schema['properties']).length === 0
}

function parametersOf(place: 'path' | 'query', schema: Schema): NonNullable<OpenApiOperation['parameters']> {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  return Object.entries(properties).map(([name, inner]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: plainSchema(inner),
  }))
}

function accessWords(access: string, language: Language): string {
  if (access === 'public' || access === 'key' || access === 'operator' || access === 'electric' || access === 'session')
    return ACCESS[access][language]
  const roles = isPermission(access) ? PERMISSIONS[access].join(', ') : ''
  return `${ACCESS.session[language]} · ${access} (${roles})`
}

function securityOf(access: string): Record<string, string[]>[] {
  if (access === 'public') return []
  return [{ [access in SECURITY ? access : 'session']: [] }]
}

function responsesOf(operation: Operation, language: Language): Record<string, Schema> {
  const { reply, replyType = 'application/json', alsoStatus, errors = 'ours' } = operation
  const good = { description: CHROME.reply[language], content: { [replyType]: { schema: plainSchema(reply) } } }
  return {
    '200': good,
    ...(alsoStatus && { [alsoStatus]: good }),
    default: { $ref: `#/components/responses/${RESPONSES[errors]}` },
  }
}

const RESPONSES = { ours: 'Error', openai: 'OpenAiError', electric: 'Refusal' } as const

function errorResponses(language: Language): Record<string, Schema> {
  const description = CHROME.errors[language]
  const json = (schema: Schema) => ({ description, content: { 'application/json': { schema } } })
  return {
    Error: json({ $ref: '#/components/schemas/Error' }),
    OpenAiError: json({ $ref: '#/components/schemas/OpenAiError' }),
    // The gateway's own refusals have our shape; those of the protocol have Electric's.
    Refusal: json({ anyOf: [{ $ref: '#/components/schemas/Error' }, { type: 'object' }, { type: 'array' }] }),
  }
}

function ownSchemas(): Record<string, Schema> {
  const code = { type: 'string', enum: Object.keys(ERROR_STATUS) }
  const error = {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code,
      message: { type: 'string' },
      params: { type: 'object' },
      request_id: { type: 'string', format: 'uuid' },
    },
  }
  const openAiError = {
    type: 'object',
    required: ['message', 'type', 'code'],
    properties: {
      message: { type: 'string' },
      type: { type: 'string', enum: ['rate_limit_error', 'invalid_request_error', 'api_error'] },
      param: { type: 'null' },
      code,
    },
  }
  const rows = SHAPE_NAMES.map((name) => [`row.${name}`, plainSchema(SHAPES[name].row)] as const)
  return {
    Error: { type: 'object', required: ['error'], properties: { error } },
    OpenAiError: { type: 'object', required: ['error'], properties: { error: openAiError } },
    ...Object.fromEntries(rows),
  }
}

/** better-auth's operation under our words and our errors. */
function ofAuth(path: string, method: string, theirs: Schema, language: Language): OpenApiOperation {
  const { requestBody, responses } = theirs
  const good = isSchema(responses) && isSchema(responses['200']) ? responses['200'] : { description: 'OK' }
  const open = path.startsWith('/sign-') || path === '/ok' || path === '/get-session'
  return {
    operationId: `auth${path.replaceAll('/', '.')}${method === 'post' ? '' : `.${method}`}`,
    tags: ['auth'],
    summary: WORDS[`auth${path}`]?.[language] ?? path,
    description: accessWords(open ? 'public' : 'session', language),
    security: securityOf(open ? 'public' : 'session'),
    ...(isBody(requestBody) && { requestBody }),
    responses: { '200': plainSchema(good), default: { $ref: '#/components/responses/Error' } },
  }
}

/** Of its own generator, whose shape the tests check. */
function isBody(value: unknown): value is NonNullable<OpenApiOperation['requestBody']> {
  return isSchema(value) && isSchema(value['content'])
}
