import { once, EventEmitter } from 'node:events'

/**
 * Where requests of one session meet: the interleaving of a race is the same each time, whichever request comes first.
 */
export class Meeting {
  readonly #events = new EventEmitter()
  readonly #seen = new Map<string, number>()

  constructor() {
    this.#events.setMaxListeners(0)
  }

  /** Says that something has happened. */
  arrive(what: string): void {
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1)
    this.#events.emit(what)
  }

  /** Waits until it has happened so many times. */
  async wait(what: string, times = 1): Promise<void> {
    while ((this.#seen.get(what) ?? 0) < times) await once(this.#events, what)
  }
}
