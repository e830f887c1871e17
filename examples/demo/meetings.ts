/** How long somebody waits for the others, in ms: longer than any race takes, shorter than a visitor's patience. */
const PATIENCE_MS = 3_000

interface Meeting {
  readonly waiting: (() => void)[]
  readonly watchers: { readonly size: number; readonly go: () => void }[]
}

type Join = (meeting: Meeting, go: () => void) => void

/**
 * Places where requests wait for each other, so that a race has its chosen interleaving every time. Nobody waits for
 * ever: whoever is left alone goes on after three seconds.
 */
export class Meetings {
  readonly #meetings = new Map<string, Meeting>()

  /** Waits until the meeting is released. @returns False if nobody released it. */
  wait(name: string): Promise<boolean> {
    return this.#arrive(name, (meeting, go) => {
      meeting.waiting.push(go)
      for (const watcher of meeting.watchers) if (meeting.waiting.length >= watcher.size) watcher.go()
    })
  }

  /** Waits until so many are waiting. @returns False if they did not come. */
  gathered(name: string, size: number): Promise<boolean> {
    return this.#arrive(name, (meeting, go) => {
      if (meeting.waiting.length >= size) go()
      else meeting.watchers.push({ size, go })
    })
  }

  /** Lets everybody go who waits. */
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
