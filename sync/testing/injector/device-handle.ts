import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Acknowledged, DeviceOrder, FromDevice, Report, ToDevice } from './device-words.ts'

/** A device process as the injector holds it; its folder outlives it. */
export class DeviceHandle {
  readonly acknowledged: Acknowledged[] = []
  readonly broken: string[] = []
  #order: DeviceOrder
  #child: ChildProcess | undefined
  #writing = false
  #calls = 0
  readonly #reports = new Map<number, (report: Report) => void>()

  constructor(order: DeviceOrder) {
    mkdirSync(order.folder, { recursive: true })
    this.#order = order
  }

  get name(): string {
    return path.basename(this.#order.folder)
  }

  async start(): Promise<void> {
    this.#order = { ...this.#order, seed: this.#order.seed + 1 }
    const child = fork(path.join(import.meta.dirname, 'device-process.ts'), [JSON.stringify(this.#order)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'json',
    })
    this.#child = child
    let said = ''
    child.stderr?.on('data', (chunk) => (said = (said + String(chunk)).slice(-2000)))
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL') this.broken.push(`device ${this.name} ended with ${code ?? signal}: ${said}`)
    })
    await new Promise<void>((resolve) => {
      child.on('message', (word: FromDevice) => {
        if (word.says === 'up') resolve()
        else if (word.says === 'acknowledged') this.acknowledged.push(word.write)
        else if (word.says === 'broken') this.broken.push(`${this.name}: ${word.what}`)
        else this.#reports.get(word.call)?.(word.report)
      })
      child.once('exit', () => resolve())
    })
    this.write(this.#writing)
  }

  /** kill -9; the next process goes on with the same files. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  write(on: boolean): void {
    this.#writing = on
    this.#tell({ do: 'write', on })
  }

  line(up: boolean): void {
    this.#tell({ do: 'line', up })
  }

  clock(off: number): void {
    this.#order = { ...this.#order, off }
    this.#tell({ do: 'clock', off })
  }

  report(sql: Readonly<Record<string, string>>): Promise<Report | undefined> {
    const call = this.#calls++
    const answer = new Promise<Report | undefined>((resolve) => {
      this.#reports.set(call, resolve)
      setTimeout(() => resolve(undefined), 30_000).unref()
    })
    this.#tell({ do: 'report', call, sql })
    return answer
  }

  #tell(word: ToDevice): void {
    if (this.#child?.connected) this.#child.send(word, () => undefined)
  }
}
