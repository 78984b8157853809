import { ERROR_STATUS } from '../../../shared/kernel/errors.ts'
import type { OpenApiDocument, OpenApiOperation } from './document.ts'
import { exampleOf } from './example.ts'
import { html, Html } from './html.ts'
import { isSchema, type Schema } from './plain-schema.ts'
import { schemaView } from './schema-view.ts'
import { STYLE } from './style.ts'
import { CHROME, type Language } from './words.ts'

interface Entry {
  method: string
  path: string
  operation: OpenApiOperation
}

/** The document as a page to read: no script, nothing from elsewhere, everything unfolded for the browser's own search. */
export function renderPage(document: OpenApiDocument, language: Language): string {
  const word = (key: keyof typeof CHROME) => CHROME[key][language]
  const sections = document.tags
    .map((tag) => ({ ...tag, entries: entriesOf(document, tag.name) }))
    .filter(({ entries }) => entries.length > 0)
  const page = html`<!doctype html>
    <html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${document.info.title}</title>
        <link rel="icon" href="/icon.svg" />
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <a class="brand" href="/"
            >${MARK}<span>${document.info.title}</span><small>${document.info.version}</small></a
          >
          <nav>
            <a href="/api/openapi.json?lang=${language}">${word('document')}</a
            ><a href="?lang=${language === 'zh' ? 'en' : 'zh'}" lang="${language === 'zh' ? 'en' : 'zh-CN'}"
              >${word('other')}</a
            >
          </nav>
        </header>
        <div class="columns">
          <nav class="contents" aria-label="${word('contents')}">
            <ul>
              ${sections.map(
                ({ name, description, entries }) =>
                  html`<li><a href="#${name}">${description}</a> <small>${entries.length}</small></li>`,
              )}
              <li><a href="#errors">${word('errors')}</a></li>
            </ul>
          </nav>
          <main>
            <p class="about">${CHROME.about[language]}</p>
            ${sections.map(
              ({ name, description, entries }) =>
                html`<section id="${name}">
                  <h2>${description}</h2>
                  ${entries.map((entry) => article(document, entry, language))}
                </section>`,
            )}
            <section id="errors">
              <h2>${word('errors')}</h2>
              <p class="about">${word('aboutErrors')}</p>
              ${errorTable(language)}
            </section>
          </main>
        </div>
      </body>
    </html> `
  return page.text
}

function entriesOf(document: OpenApiDocument, tag: string): Entry[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

function article(document: OpenApiDocument, { method, path, operation }: Entry, language: Language): Html {
  const { operationId, summary, description, parameters = [], requestBody } = operation
  const body = requestBody?.content['application/json']?.schema
  const reply = replySchema(operation)
  const view = (schema: Schema) => schemaView(schema, document.components.schemas, language)
  return html`<article id="${operationId}">
    <h3><a href="#${operationId}">${summary}</a></h3>
    <p class="line"><b class="method ${method.toLowerCase()}">${method}</b> <code>${path}</code></p>
    <p class="access">${description}</p>
    ${
      parameters.length === 0
        ? undefined
        : part(
            CHROME.parameters[language],
            view({
              type: 'object',
              properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
              required: parameters.filter(({ required }) => required).map(({ name }) => name),
            }),
          )
    }${body && part(CHROME.body[language], view(body))}${reply && part(CHROME.reply[language], view(reply))}
    ${part(CHROME.example[language], html`<pre><code>${curl(document, { method, path, operation }, body)}</code></pre>`)}
  </article>`
}

const part = (title: string, content: Html) =>
  html`<div class="part">
    <h4>${title}</h4>
    ${content}
  </div>`

function replySchema({ responses }: OpenApiOperation): Schema | undefined {
  const content = responses['200']?.['content']
  const json = isSchema(content) ? content['application/json'] : undefined
  return isSchema(json) && isSchema(json['schema']) ? json['schema'] : undefined
}

/** A command to copy. */
function curl(document: OpenApiDocument, { method, path, operation }: Entry, body: Schema | undefined): string {
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && parameter.required)
  const search = query.map(({ name, schema }) => `${name}=${String(exampleOf(schema))}`).join('&')
  const address = `${document.servers[0]?.url ?? ''}${path}${search && `?${search}`}`
  const scheme = operation.security.flatMap((each) => Object.keys(each))[0]
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}'${address}'`,
    ...(scheme === undefined ? [] : CREDENTIALS[scheme] ? [`  -H '${CREDENTIALS[scheme]}'`] : []),
    ...(body ? [`  -H 'content-type: application/json'`, `  -d '${JSON.stringify(exampleOf(body))}'`] : []),
  ]
  return lines.join(' \\\n')
}

const CREDENTIALS: Readonly<Record<string, string>> = {
  session: 'cookie: banyan.session_token=…',
  key: 'authorization: Bearer bny_…',
  operator: 'authorization: Bearer $METRICS_TOKEN',
}

function errorTable(language: Language): Html {
  const byStatus = Object.groupBy(Object.entries(ERROR_STATUS), ([, status]) => status)
  const rows = Object.entries(byStatus).map(
    ([status, codes]) =>
      html`<tr>
        <td>${status}</td>
        <td>${(codes ?? []).map(([code]) => html`<code>${code}</code> `)}</td>
      </tr>`,
  )
  return html`<table>
    <thead>
      <tr>
        <th>${CHROME.status[language]}</th>
        <th>${CHROME.codes[language]}</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`
}

/** The drawing of client/public/icon.svg, in the colour of the text. */
const MARK = new Html(
  '<svg width="26" height="26" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-linecap="round" aria-hidden="true"><path fill="currentColor" stroke="none" d="M7.6 17.6a5.6 5.6 0 0 1-2.3-10.7A6.4 6.4 0 0 1 12 4.5a6.3 6.3 0 0 1 8 0 6.4 6.4 0 0 1 6.7 2.4 5.6 5.6 0 0 1-2.3 10.7c-1.7 0-3.2-.8-4.2-2a6.3 6.3 0 0 1-8.4 0 5.5 5.5 0 0 1-4.2 2Z"/><path stroke-width="3.2" d="M16 15v9.5"/><path stroke-width="1.7" d="M16 23c-.3 2.6-1.5 4.3-3.8 5.5M16 23c.3 2.6 1.5 4.3 3.8 5.5M11 18v5.5M21 18v5.5M6.8 18.5v3.5M25.2 18.5v3.5"/></svg>',
)
