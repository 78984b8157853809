import { createRouter, type Request, type Router } from '../../kernel/http.ts'
import { buildDocument, type AuthDescription, type OpenApiDocument } from './document.ts'
import { renderPage } from './page.ts'
import type { Language } from './words.ts'

export interface ApiDocsOptions {
  version: string
  publicUrl: string
  describeAuth: () => Promise<AuthDescription>
}

/** `GET /api/openapi.json` and `GET /api/docs`: what this server can be asked, made once of what it checks requests by. */
export function apiDocsRoutes(options: ApiDocsOptions): Router {
  const router = createRouter()
  const documents = new Map<Language, Promise<OpenApiDocument>>()

  async function build(language: Language): Promise<OpenApiDocument> {
    const { version, publicUrl } = options
    return buildDocument({ language, version, publicUrl, auth: await options.describeAuth() })
  }

  function documentIn(language: Language): Promise<OpenApiDocument> {
    const made = documents.get(language) ?? build(language)
    documents.set(language, made)
    made.catch(() => documents.delete(language))
    return made
  }

  router.get('/api/openapi.json', async (request, response) => {
    response.setHeader('vary', 'accept-language')
    response.setHeader('cache-control', 'no-cache')
    response.json(await documentIn(languageOf(request, 'en')))
  })

  router.get('/api/docs', async (request, response) => {
    const language = languageOf(request, 'zh')
    response.setHeader('vary', 'accept-language')
    response.setHeader('cache-control', 'no-cache')
    response.type('html').send(renderPage(await documentIn(language), language))
  })
  return router
}

/** What the address asks for, else what the browser prefers. */
export function languageOf({ query, headers }: Pick<Request, 'query' | 'headers'>, otherwise: Language): Language {
  if (query['lang'] === 'zh' || query['lang'] === 'en') return query['lang']
  const preferred = (headers['accept-language'] ?? '')
    .split(',')
    .map((part) => part.trim().slice(0, 2).toLowerCase())
    .find((language) => language === 'zh' || language === 'en')
  return preferred === 'zh' || preferred === 'en' ? preferred : otherwise
}
