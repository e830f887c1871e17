type Listener = (error: Error) => void

/** The listeners of each event. */
export class Listeners<Event> {
  readonly #byEvent = new Map<Event, Set<Listener>>()
  #count = 0

  /** Adds a listener. @returns The number of listeners now. */
  add(event: Event, listener: Listener): number {
    const listening = this.#byEvent.get(event) ?? new Set()
    if (!listening.has(listener)) this.#count++
    this.#byEvent.set(event, listening.add(listener))
    return this.#count
  }

  /** Removes a listener. @returns The number of listeners now. */
  remove(event: Event, listener: Listener): number {
    if (this.#byEvent.get(event)?.delete(listener)) this.#count--
    return this.#count
  }

  emit(event: Event, error?: Error): void {
    for (const listener of this.#byEvent.get(event) ?? []) listener(error!)
  }
}
