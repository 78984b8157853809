import { FetchError } from 'electric-sql'
import { partPage, type PartPage } from '../core/part.ts'
import { SUBSET_ROWS, type SubsetAnswer } from '../protocol/subset.ts'

/** Where a log goes on. */
interface Place {
  handle: string
  offset: string
}

/** Most pages of one part: what is larger than that is not for a replica. */
const MOST_PAGES = 200

/**
 * Reads a part of a shape page by page, beside the log at `place`; without one, the first answer says where the log
 * goes on.
 */
export async function readPart(
  fetcher: typeof fetch,
  url: string,
  part: { subset: string; value: string },
  place: Place | undefined,
  signal: AbortSignal,
): Promise<{ place: Place; pages: PartPage[] }> {
  const pages: PartPage[] = []
  let at = place
  let before: string | undefined
  for (;;) {
    const query = new URLSearchParams({
      log: 'changes_only',
      ...(at ? { offset: at.offset, handle: at.handle } : { offset: 'now' }),
      ...part,
      ...(before === undefined ? {} : { before }),
    })
    const response = await fetcher(`${url}?${query}`, { signal })
    if (!response.ok) throw await FetchError.fromResponse(response, url)
    // the server's own contract, sync/protocol/subset.ts
    const answer = (await response.json()) as SubsetAnswer
    at ??= {
      handle: response.headers.get('electric-handle') ?? '',
      offset: response.headers.get('electric-offset') ?? '',
    }
    pages.push(partPage(answer))
    before = answer.data.at(-1)?.value['seq'] ?? undefined
    if (answer.data.length < SUBSET_ROWS || before === undefined || pages.length >= MOST_PAGES)
      return { place: at, pages }
  }
}
