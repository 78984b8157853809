/**
 * Reads `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html) from strings as they
 * arrive. Only `data` matters to model APIs.
 */
export class SseReader {
  #rest = ''
  #data: string[] = []

  /** Data of every event that `chunk` completes. */
  read(chunk: string): string[] {
    const events: string[] = []
    const text = this.#rest + chunk
    let start = 0
    for (let end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', start)) {
      this.#line(text.slice(start, text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end), events)
      start = end + 1
    }
    this.#rest = text.slice(start)
    return events
  }

  /** Data of an event that the stream's end cuts off before its blank line: many servers leave that line out. */
  end(): string[] {
    const events: string[] = []
    if (this.#rest) this.#line(this.#rest, events)
    this.#line('', events)
    this.#rest = ''
    return events
  }

  /** Characters that wait for the rest of their line or event. */
  get waiting(): number {
    return this.#data.reduce((sum, line) => sum + line.length, this.#rest.length)
  }

  #line(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.length === 1 ? (this.#data[0] ?? '') : this.#data.join('\n'))
      this.#data = []
      return
    }
    if (!line.startsWith('data:')) return
    this.#data.push(line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5))
  }
}
