import { baseCompile } from '@intlify/message-compiler'
import type { Plugin } from 'vite'

/**
 * Turns `locales/*.json` into parsed messages at build time. The browser then needs no message parser, and nothing
 * that a strict CSP would forbid.
 */
export function compileLocales(): Plugin {
  return {
    name: 'banyan-compile-locales',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/locales\/[\w-]+\.json$/.test(id)) return undefined
      return {
        code: `export default ${JSON.stringify(compileTree(JSON.parse(code), id))}`,
        map: null,
        moduleType: 'js',
      }
    },
  }
}

function compileTree(node: unknown, file: string): unknown {
  if (typeof node === 'string') return compileMessage(node, file)
  if (typeof node !== 'object' || node === null) throw new Error(`${file}: a message is a text`)
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, compileTree(value, file)]))
}

function compileMessage(message: string, file: string): unknown {
  const { ast } = baseCompile(message, {
    jit: true,
    location: false,
    minify: true,
    optimize: true,
    onError: (error) => {
      throw new Error(`${file}: “${message}”: ${error.message}`)
    },
  })
  return ast
}
