import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const worthIt = /\.(?:js|css|html|svg|wasm|data|tar|webmanifest)$/
/** Below this a twin saves nothing, bytes. */
const SMALL = 1024
/** Above this the best Brotli takes longer than anybody wants to wait for a build, bytes. */
const BIG = 1 << 20

/** Writes `.br` and `.gz` twins of everything that compresses; the server sends them as they are. */
export function precompress(directory: string): Plugin {
  return {
    name: 'banyan-precompress',
    apply: 'build',
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
          const file = path.join(entry.parentPath, entry.name)
          if (entry.isFile() && worthIt.test(entry.name) && statSync(file).size >= SMALL) compress(file)
        }
      },
    },
  }
}

function compress(file: string): void {
  const content = readFileSync(file)
  const quality = content.length > BIG ? 6 : 11
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }))
  writeFileSync(`${file}.gz`, gzipSync(content, { level: content.length > BIG ? 6 : 9 }))
}
