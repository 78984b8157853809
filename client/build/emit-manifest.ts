import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

/** Serves and emits the manifest, which lives at the root of the repository. */
export function emitManifest(file: string): Plugin {
  return {
    name: 'banyan-manifest',
    configureServer(server) {
      server.middlewares.use('/manifest.webmanifest', (_request, response) => {
        response.setHeader('content-type', 'application/manifest+json')
        response.end(readFileSync(file))
      })
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'manifest.webmanifest', source: readFileSync(file, 'utf8') })
    },
  }
}
