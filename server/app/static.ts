import { readdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Request, RequestHandler, Response } from '../kernel/http.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.data': 'application/octet-stream',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

interface Asset {
  file: string
  type: string
  size: number
  etag: string
  immutable: boolean
  br?: { file: string; size: number } | undefined
  gzip?: { file: string; size: number } | undefined
}

/** What the server answers itself: an unknown address below these is an error, not a page. */
const NOT_PAGES = /^\/(api|v1|mcp|metrics|internal)(\/|$)/

/**
 * Serves the built client. The list of files is read at start, and anew after a build, so no request can name a file
 * outside it; hashed files never change; pages fall back to index.html. Precompressed twins (`.br`, `.gz`) are preferred.
 */
export function serveClient(directory: string): RequestHandler {
  const current = followBuilds(directory)
  return (request, response, next) => {
    const reads = request.method === 'GET' || request.method === 'HEAD'
    const asset = reads && !NOT_PAGES.test(request.path) ? assetAt(current(), request.path) : undefined
    if (asset) return send(asset, request, response)
    next()
  }
}

function assetAt(assets: ReadonlyMap<string, Asset>, address: string): Asset | undefined {
  return assets.get(address) ?? (path.extname(address) === '' ? assets.get('/index.html') : undefined)
}

async function send(asset: Asset, request: Request, response: Response): Promise<void> {
  const form = encodedFor(asset, String(request.headers['accept-encoding'] ?? ''))
  const found = await open(form.file).catch(() => undefined)
  try {
    // A build removes files before it lists new ones, and may have written this one anew.
    if (!found || (await found.stat()).size !== form.size) {
      response.status(503).set({ 'retry-after': '1', 'cache-control': 'no-store' }).end()
      return
    }
    response.setHeader('content-type', asset.type)
    response.setHeader('etag', asset.etag)
    response.setHeader('vary', 'accept-encoding')
    response.setHeader('cache-control', asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (request.headers['if-none-match'] === asset.etag) {
      response.status(304).end()
      return
    }
    if (form.encoding) response.setHeader('content-encoding', form.encoding)
    response.setHeader('content-length', form.size)
    if (request.method === 'HEAD') response.end()
    // A reader who leaves in the middle is no trouble of ours.
    else await pipeline(found.createReadStream({ autoClose: false }), response).catch(() => undefined)
  } finally {
    await found?.close()
  }
}

/** The smallest form of a file that a client takes. */
function encodedFor(asset: Asset, accepted: string): { file: string; size: number; encoding?: 'br' | 'gzip' } {
  if (asset.br && /\bbr\b/.test(accepted)) return { ...asset.br, encoding: 'br' }
  if (asset.gzip && /\bgzip\b/.test(accepted)) return { ...asset.gzip, encoding: 'gzip' }
  return asset
}

const LOOK_EVERY_MS = 1_000

/**
 * The files of the newest build. A build beside a running server replaces them; a glance a second notices, and again
 * when more files arrive. In the middle of a build the former list stays: what can be read then is half of one.
 */
function followBuilds(directory: string): () => Map<string, Asset> {
  let assets = new Map<string, Asset>()
  let build: string | undefined
  let looked = 0
  return () => {
    if (Date.now() - looked < LOOK_EVERY_MS) return assets
    looked = Date.now()
    try {
      const newest = markOf(directory)
      if (newest === undefined || newest === build) return assets
      assets = readAssets(directory)
      build = newest
    } catch {
      // A file went away while it was being listed.
    }
    return assets
  }
}

/** Changes whenever a build writes or removes a file that matters; undefined while there is no page. */
function markOf(directory: string): string | undefined {
  const [index, ...rest] = ['index.html', '.build.json', '.', 'assets'].map((name) =>
    statSync(path.join(directory, name), { throwIfNoEntry: false }),
  )
  return index && [index, ...rest].map((stat) => (stat ? etagOf(stat) : '')).join()
}

const etagOf = ({ size, mtimeMs }: { size: number; mtimeMs: number }) =>
  `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`

function readAssets(directory: string): Map<string, Asset> {
  const assets = new Map<string, Asset>()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /^\.|\.(br|gz|map)$/.test(entry.name)) continue
    const file = path.join(entry.parentPath, entry.name)
    const url = `/${path.relative(directory, file).split(path.sep).join('/')}`
    const stat = statSync(file)
    assets.set(url, {
      file,
      type: TYPES[path.extname(entry.name)] ?? 'application/octet-stream',
      size: stat.size,
      etag: etagOf(stat),
      immutable: url.startsWith('/assets/'),
      br: twinOf(`${file}.br`),
      gzip: twinOf(`${file}.gz`),
    })
  }
  return assets
}

function twinOf(file: string): { file: string; size: number } | undefined {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat && { file, size: stat.size }
}
