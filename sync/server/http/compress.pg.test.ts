import { request } from 'node:http'
import { expect, it } from 'vitest'
import { SECRET, startShapeHarness } from '../testing.ts'

it('a long page is compressed for those who can read that', async () => {
  const harness = await startShapeHarness()
  await harness.db.query(
    `create table news (id int primary key, title text); insert into news select n, repeat('long ', 20) from generate_series(1, 100) n`,
  )
  const ask = (encoding: string): Promise<{ encoding: string | undefined; bytes: number }> =>
    new Promise((resolve, reject) => {
      const url = `${harness.url}/v1/shape?secret=${SECRET}&table=news&offset=-1`
      request(url, { headers: { 'accept-encoding': encoding } }, (answer) => {
        let bytes = 0
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
        answer.on('end', () => resolve({ encoding: answer.headers['content-encoding'], bytes }))
      })
        .on('error', reject)
        .end()
    })
  const [plain, zipped] = [await ask('identity'), await ask('gzip, br')]
  expect([plain.encoding, zipped.encoding]).toEqual([undefined, 'gzip'])
  expect(zipped.bytes * 3).toBeLessThan(plain.bytes)
  await harness.close()
})
