import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'

export interface PageWeight {
  /** JavaScript that index.html names or preloads, gzipped, KB. */
  entry_js_kb: number
  css_kb: number
  /** Everything built, gzipped, KB. */
  all_kb: number
}

/** What the built client weighs over the wire. Null before a build. */
export async function pageWeight(directory: string): Promise<PageWeight | null> {
  const html = await readFile(path.join(directory, 'index.html'), 'utf8').catch(() => undefined)
  if (html === undefined) return null
  const named = new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? ''))
  const weigh = async (file: string) =>
    gzipSync(await readFile(path.join(directory, file)), { level: 9 }).byteLength / 1024
  let entry_js_kb = 0
  let css_kb = 0
  for (const file of named) {
    if (file.endsWith('.js')) entry_js_kb += await weigh(file)
    if (file.endsWith('.css')) css_kb += await weigh(file)
  }
  let all_kb = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && !/\.(br|gz|map)$/.test(entry.name))
      all_kb += await weigh(path.relative(directory, path.join(entry.parentPath, entry.name)))
  }
  return { entry_js_kb: Math.round(entry_js_kb), css_kb: Math.round(css_kb), all_kb: Math.round(all_kb) }
}
