/** What was to be opened may still be opening: nobody else may touch it while this process lives. */
export class OpenTimeout extends Error {}

/** Waits for something to open, but not for ever; should it come too late, it is given to `close`. */
export async function deadline<T>(opening: Promise<T>, ms: number, close: (late: T) => unknown): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OpenTimeout('it did not open in time')), ms)
  })
  try {
    return await Promise.race([opening, late])
  } catch (error) {
    opening.then(close).catch(() => undefined)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
