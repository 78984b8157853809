import { describe } from 'vitest'
import { changesContract } from './testing-changes.ts'
import { eventStreamContract } from './testing-event-stream.ts'
import { requestsContract } from './testing-requests.ts'
import { subsetContract } from './testing-subset.ts'
import { electricPlace, openElectric, openOwn, type OpenTarget } from './testing-target.ts'

/** What every server of Electric's protocol does, told by HTTP alone. */
function contract(open: OpenTarget): void {
  requestsContract(open)
  changesContract(open)
  eventStreamContract(open)
  subsetContract(open)
}

describe('our own server keeps the contract', () => contract(openOwn))

const place = electricPlace(process.env)
describe.skipIf(!place)(
  `a real Electric keeps it too${place ? '' : ' (skipped: ELECTRIC_URL and ELECTRIC_DATABASE_URL name none)'}`,
  // It polls for 20 s.
  { timeout: 90_000 },
  () => contract(place ? openElectric(place) : openOwn),
)
