import { randomInt } from 'node:crypto'

/** One request of a trial, for its timeline. Times are in ms since the trial began. */
export interface TimelineEvent {
  /** What it was for: `write a`, `logout`, `read`. */
  readonly label: string
  /** Who sent it: `browser`, `old cookie`. */
  readonly by: string
  /** Which of the servers got it, counted from 0. */
  readonly server: number
  /** Method and path as the user wrote them. */
  readonly request: string
  readonly from: number
  readonly to: number
  /** 0 when no answer came. */
  readonly status: number
  readonly error?: string
  /** Whether the answer set or removed a session cookie. */
  readonly setsCookie: boolean
  /** Whether it is one of those that raced. */
  readonly racing: boolean
  /** What a look at the session showed, and what it did not. */
  readonly saw?: readonly Sighting[]
}

/** Whether something was there: `signed in`, or a write by its label. */
export interface Sighting {
  readonly what: string
  readonly there: boolean
}

/** A trial that cannot be judged: what should have been answered was not. */
export class Unjudged extends Error {
  override readonly name = 'Unjudged'
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** A word that is found nowhere else, and that needs no encoding anywhere. */
export function word(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

/** One run of one race, with a user of its own. */
export class Trial {
  readonly index: number
  readonly user: string = `race-${word(12)}`
  readonly events: TimelineEvent[] = []
  readonly startedAt: number = performance.now()
  readonly #servers: number
  #turn: number

  constructor(index: number, servers: number) {
    this.index = index
    this.#servers = servers
    this.#turn = index
  }

  /** The next server in turn. */
  nextServer(): number {
    return this.#turn++ % this.#servers
  }
}
