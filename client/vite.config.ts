import path from 'node:path'
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { blankReplica } from './build/blank-replica.ts'
import { baseChunk } from './build/base-chunk.ts'
import { emitManifest } from './build/emit-manifest.ts'
import { noChunkCycles } from './build/no-chunk-cycles.ts'
import { precompress } from './build/precompress.ts'

const root = path.dirname(fileURLToPath(import.meta.url))
const server = process.env['BANYAN_DEV_SERVER'] ?? 'http://127.0.0.1:8787'
/** What belongs to the server, in development too. */
const proxied = Object.fromEntries(
  ['/api', '/v1', '/mcp', '/metrics'].map((prefix) => [prefix, { target: server, ws: true }]),
)

export default defineConfig({
  root,
  cacheDir: path.join(root, '../.cache/vite'),
  plugins: [
    vue({ features: { optionsAPI: false } }),
    tailwindcss(),
    emitManifest(path.join(root, '../manifest.webmanifest')),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: '.',
      filename: 'sw.ts',
      injectRegister: false,
      registerType: 'prompt',
      manifest: false,
      injectManifest: {
        globPatterns: ['**/*.{js,css,html,wasm,data,svg,png,webmanifest}'],
        maximumFileSizeToCacheInBytes: 16 << 20,
      },
    }),
    blankReplica(path.join(root, '../.cache')),
    noChunkCycles(),
    precompress(path.join(root, '../dist/client')),
  ],
  worker: { format: 'es' },
  build: {
    outDir: path.join(root, '../dist/client'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // It does not say so itself, and is large: only the kinds of schema that we use may come along.
      treeshake: { moduleSideEffects: [{ test: /node_modules[\\/]typebox[\\/]/, sideEffects: false }] },
      output: {
        // What every page needs travels together: a hundred files of half a kilobyte compress badly.
        codeSplitting: {
          groups: [
            { name: 'vue', test: /node_modules[\\/](?:@vue|vue|vue-router)[\\/]/ },
            {
              name: baseChunk,
              debugName: 'base',
              test: /client[\\/](?:app|ui)[\\/]|lucide-vue-next|@vueuse/,
              minShareCount: 3,
            },
            {
              name: 'contracts',
              test: /shared[\\/]kernel[\\/]|node_modules[\\/]typebox[\\/]build[\\/](?:guard|system|type)[\\/]/,
              minShareCount: 3,
            },
          ],
        },
      },
    },
  },
  server: { host: '127.0.0.1', proxy: proxied },
})
