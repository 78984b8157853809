import { AUTH_PATHS } from './auth-handler.ts'
import type { Auth } from './auth.ts'

type Json = Readonly<Record<string, unknown>>

/** What better-auth says about the operations that are open here, in OpenAPI's terms; paths are below `/api/auth`. */
export async function describeAuth(auth: Auth): Promise<{
  paths: Record<string, Record<string, Json>>
  schemas: Record<string, Json>
}> {
  const { paths, components } = await auth.api.generateOpenAPISchema()
  const open = AUTH_PATHS.flatMap((path) => (paths[path] ? [[path, paths[path]] as const] : []))
  const named = Object.entries(components.schemas).filter(([name]) => name === 'User' || name === 'Session')
  return {
    paths: Object.fromEntries(open.map(([path, methods]) => [path, methodsOf(methods)])),
    schemas: Object.fromEntries(named.map(([name, schema]) => [name, { ...schema }])),
  }
}

function methodsOf(methods: object): Record<string, Json> {
  const known = Object.entries(methods).filter(([method]) => method === 'get' || method === 'post')
  return Object.fromEntries(known.map(([method, operation]) => [method, { ...operation }]))
}
