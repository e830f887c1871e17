import type { Context } from './context.ts'
import { GRACE_MS } from './define-store.ts'

/**
 * Removes expired records now and then, where the store has a `sweep`. Nothing is started before this process creates its first
 * session: where a module is loaded, some runtimes take no timer. The first sweep comes after a random part of the interval, so
 * that processes that start at once do not sweep at once. No timer keeps the process alive.
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

  /** No sweep begins any more. Resolves once a page that is under way has ended, so that the store's client can be closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    clearTimeout(this.#timer)
    await this.#running
  }

  /** One sweep begins after another has ended, so that there are never two at once. */
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
      // A clock so far ahead takes live records for expired ones. `defineStore` asks the clock of the store's own server as well.
      if (settings.clock() > Date.now() + GRACE_MS) return
      for await (const _ of calls.tellInPages('sweep', (now) => settings.store.sweep!(now))) if (this.#closed) break
    } catch {
      // It was an `error` event, and the next sweep tries again.
    }
  }
}
