/** How long a request waits for the others, in ms: longer than a race takes, but not too long for a visitor. */
const PATIENCE_MS = 3_000

interface Meeting {
  readonly waiting: (() => void)[]
  readonly watchers: { readonly size: number; readonly go: () => void }[]
}

type Join = (meeting: Meeting, go: () => void) => void

/**
 * Meeting points at which requests wait for each other, so that a race has the chosen interleaving every time. A request goes on alone after
 * three seconds.
 */
export class Meetings {
  readonly #meetings = new Map<string, Meeting>()

  /** Waits until the meeting is released. @returns False if it was not released in time. */
  wait(name: string): Promise<boolean> {
    return this.#arrive(name, (meeting, go) => {
      meeting.waiting.push(go)
      for (const watcher of meeting.watchers) if (meeting.waiting.length >= watcher.size) watcher.go()
    })
  }

  /** Waits until this many requests are waiting. @returns False if they did not come in time. */
  gathered(name: string, size: number): Promise<boolean> {
    return this.#arrive(name, (meeting, go) => {
      if (meeting.waiting.length >= size) go()
      else meeting.watchers.push({ size, go })
    })
  }

  /** Releases all waiting requests. */
  release(name: string): void {
    for (const go of this.#meetings.get(name)?.waiting ?? []) go()
    this.#meetings.delete(name)
  }

  #arrive(name: string, join: Join): Promise<boolean> {
    let meeting = this.#meetings.get(name)
    if (!meeting) this.#meetings.set(name, (meeting = { waiting: [], watchers: [] }))
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#meetings.delete(name)
        resolve(false)
      }, PATIENCE_MS)
      join(meeting, () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }
}
