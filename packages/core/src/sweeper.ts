import type { Context } from './context.ts'
import { GRACE_MS } from './define-store.ts'

/**
 * Removes expired records periodically, if the store has a `sweep`. The timer starts when this process creates its first session:
 * some runtimes allow no timer while a module is loaded. The first sweep comes after a random part of the interval, so that
 * processes that start together do not sweep together. The timer does not keep the process alive.
 */
export class Sweeper {
  readonly #context: Context
  readonly #stopListening: () => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(context: Context) {
    this.#context = context
    const { sweepEvery, store } = context.settings
    this.#stopListening =
      sweepEvery && store.sweep
        ? context.events.on('created', () => {
            this.#stopListening()
            this.#after(Math.random() * sweepEvery, sweepEvery)
          })
        : () => {}
  }

  /** Stops the timer. Resolves when the page of a running sweep has ended, so that you can close the store's client. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Starts the timer of the next sweep when a sweep has ended, so that two sweeps never run at the same time. */
  #after(wait: number, interval: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#running = this.#sweep().finally(() => this.#after(interval, interval))
    }, wait)
    this.#timer.unref?.()
  }

  async #sweep(): Promise<void> {
    const { calls, settings } = this.#context
    try {
      // A clock that is this far ahead would take live records for expired ones. `defineStore` also checks the clock of the store's server.
      if (settings.clock() > Date.now() + GRACE_MS) return
      for await (const _ of calls.tellInPages('sweep', (now) => settings.store.sweep!(now))) if (this.#closed) break
    } catch {
      // The failure was an `error` event. The next sweep tries again.
    }
  }
}
