// PGlite names the same file; it waits for ever when that cannot be had, so it is given the program ready-made
const PROGRAM = new URL('../../node_modules/@electric-sql/pglite/dist/pglite.wasm', import.meta.url)

let compiled: Promise<WebAssembly.Module> | undefined

/** The browser cannot run the database, or has not got it. Whatever is stored is not to blame. */
export class NoProgram extends Error {}

/** The database's program, compiled once for all databases that are opened here. */
export async function databaseProgram(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compileStreaming(fetch(PROGRAM))
  try {
    return await compiled
  } catch (error) {
    compiled = undefined
    throw new NoProgram(String(error), { cause: error })
  }
}
