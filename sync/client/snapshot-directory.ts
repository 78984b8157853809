import { tarOf, type TarEntry } from './tar.ts'

interface Found {
  path: string
  /** Absent: a directory. */
  file?: File | undefined
}

/**
 * A directory of the origin's own file system as a tar. Undefined when a file was written while it was read: the tar
 * would not be of one moment.
 */
export async function snapshotDirectory(directory: FileSystemDirectoryHandle): Promise<Blob | undefined> {
  const before = await listOf(directory)
  const entries = await Promise.all(
    before.map(async ({ path, file }): Promise<TarEntry> => {
      return { path, bytes: file && new Uint8Array(await file.arrayBuffer()) }
    }),
  )
  const after = await listOf(directory)
  return stateOf(before) === stateOf(after) ? tarOf(entries) : undefined
}

/** Everything below a directory, each directory before what is in it. */
async function listOf(directory: FileSystemDirectoryHandle, below = ''): Promise<Found[]> {
  const found: Promise<Found[]>[] = []
  for await (const [name, handle] of directory.entries()) {
    const path = below + name
    if (handle instanceof FileSystemFileHandle) found.push(handle.getFile().then((file) => [{ path, file }]))
    else if (handle instanceof FileSystemDirectoryHandle)
      found.push(listOf(handle, `${path}/`).then((inner) => [{ path }, ...inner]))
  }
  return (await Promise.all(found)).flat()
}

function stateOf(list: readonly Found[]): string {
  return list
    .map(({ path, file }) => `${path} ${file?.size} ${file?.lastModified}`)
    .sort()
    .join('\n')
}
