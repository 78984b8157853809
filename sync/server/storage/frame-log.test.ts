import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FrameLog } from './frame-log.ts'

const made: string[] = []
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'banyan-frames-'))
  made.push(directory)
})
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))))

const bytes = (text: string): Buffer => Buffer.from(text)

async function open(segmentSize = 1_000_000) {
  const frames: string[] = []
  const failures: Error[] = []
  const log = await FrameLog.open({ directory, segmentSize, onFailure: (error) => failures.push(error) }, (payload) =>
    frames.push(payload.toString()),
  )
  return { log, frames, failures }
}

describe('the log of frames', () => {
  it('gives back what was appended, from memory and from the disk', async () => {
    const { log } = await open()
    const place = { ...log.append([bytes('he'), bytes('llo')]), length: 5 }
    await log.settled()
    expect(log.read([place])).toEqual([bytes('hello')])
    await log.close()
    const again = await open()
    expect(again.frames).toEqual(['hello'])
    expect(await again.log.read([place, { ...place, at: place.at + 1, length: 3 }])).toEqual([
      bytes('hello'),
      bytes('ell'),
    ])
    await again.log.close()
  })

  it('says in order what is durable', async () => {
    const { log } = await open(20)
    const order: number[] = []
    for (let number = 0; number < 10; number += 1) log.append([bytes(`frame ${number}`)], () => order.push(number))
    expect(order).toEqual([])
    await log.settled()
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect((await readdir(directory)).length).toBeGreaterThan(3)
    await log.close()
    expect((await open(20)).frames).toEqual(order.map((number) => `frame ${number}`))
  })

  it('cuts a frame off that a crash left half written, wherever it was cut', async () => {
    const { log } = await open()
    for (const text of ['one', 'two', 'three']) log.append([bytes(text)])
    await log.close()
    const file = path.join(directory, '00000001.log')
    const whole = await readFile(file)
    const end = whole.length
    const start = end - 8 - 'three'.length
    for (let cut = start; cut < end; cut += 1) {
      await writeFile(file, whole.subarray(0, cut))
      const opened = await open()
      expect(opened.frames).toEqual(['one', 'two'])
      opened.log.append([bytes('after')])
      await opened.log.close()
      const again = await open()
      expect(again.frames).toEqual(['one', 'two', 'after'])
      await again.log.close()
    }
  })

  it('goes on when a segment was left half written and the next one, made already, empty', async () => {
    const { log } = await open(20)
    for (const text of ['one', 'two', 'three']) log.append([bytes(text)])
    await log.close()
    expect(await readdir(directory)).toEqual(['00000001.log', '00000002.log'])
    await truncate(path.join(directory, '00000001.log'), 15)
    await truncate(path.join(directory, '00000002.log'), 0)
    const opened = await open(20)
    expect(opened.frames).toEqual(['one'])
    opened.log.append([bytes('after')])
    await opened.log.close()
    const again = await open(20)
    expect(again.frames).toEqual(['one', 'after'])
    await again.log.close()
  })

  it('does not take a frame whose bytes changed', async () => {
    const { log } = await open()
    log.append([bytes('one')])
    log.append([bytes('two')])
    await log.close()
    const file = path.join(directory, '00000001.log')
    const damaged = await readFile(file)
    damaged[damaged.length - 1] = 0
    await writeFile(file, damaged)
    expect((await open()).frames).toEqual(['one'])
  })

  it('refuses a log with a hole in its middle', async () => {
    const { log } = await open(1)
    for (const text of ['one', 'two', 'three']) log.append([bytes(text)])
    await log.close()
    await truncate(path.join(directory, '00000002.log'), 9)
    await expect(open(1)).rejects.toThrow('00000002.log is damaged')
  })

  it('lets readers finish with a segment that is dropped', async () => {
    const { log } = await open(1)
    const place = { ...log.append([bytes('one')]), length: 3 }
    log.append([Buffer.alloc(5 * 1024 * 1024)])
    await log.settled()
    log.drop(place.segment)
    expect(await log.read([place])).toEqual([bytes('one')])
    await log.close()
    expect((await open(1)).frames).toHaveLength(1)
  })

  it('tells when the disk takes no more, and calls nothing durable after that', async () => {
    const { log, failures } = await open(1)
    const durable: string[] = []
    log.append([bytes('one')], () => durable.push('one'))
    await log.settled()
    // A new segment cannot be made in a folder that is gone.
    await rm(directory, { recursive: true })
    log.append([bytes('two')], () => durable.push('two'))
    log.append([bytes('three')], () => durable.push('three'))
    await expect(log.settled()).rejects.toThrow('ENOENT')
    expect(durable).toEqual(['one'])
    expect(failures).toHaveLength(1)
    await log.close()
  })
})
