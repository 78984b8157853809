/** A piece of an engine's work. Each `yield` stands for an `await`: there another piece may go on, or the process end. */
export type Task = Generator<void, void, void>

/** Longest a piece of work may take, steps: more means that it waits for something that cannot come. */
const MOST_STEPS = 10_000

/** What one engine has begun and not ended: an event loop whose order the schedule decides. */
export class Tasks {
  readonly #tasks: Task[] = []
  readonly #stepped: () => void
  /** The task that holds replica and outbox, as one does at a time in `client/serial.ts`. */
  #holder: Task | undefined
  #running: Task | undefined

  /** `stepped` is told of each step. */
  constructor(stepped: () => void) {
    this.#stepped = stepped
  }

  get busy(): boolean {
    return this.#tasks.length > 0
  }

  /** Begins a task and lets it come `steps` far. */
  start(task: Task, steps: number): void {
    this.#tasks.push(task)
    for (let step = 0; step < steps && this.#tasks.includes(task); step++) this.#advance(task)
  }

  /** One step of some task. */
  step(which: number): void {
    const task = this.#tasks[which % Math.max(1, this.#tasks.length)]
    if (task) this.#advance(task)
  }

  /** Ends everything that has begun. */
  drain(): void {
    for (let step = 0; this.busy; step++) {
      if (step > MOST_STEPS) throw new Error('something waits for ever')
      this.step(step)
    }
  }

  /** `work`, while no other piece does the like. */
  *alone(work: () => Task): Task {
    while (this.#holder) yield
    this.#holder = this.#running
    yield* work()
    this.#holder = undefined
  }

  /** Lets whoever is alone come to an end. */
  makeRoom(): void {
    while (this.#holder) this.#advance(this.#holder)
  }

  #advance(task: Task): void {
    this.#running = task
    if (task.next().done) this.#tasks.splice(this.#tasks.indexOf(task), 1)
    this.#stepped()
  }
}
