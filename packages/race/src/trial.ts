import { randomInt } from 'node:crypto'

/** One request of a trial, for its timeline. Times are in ms since the start of the trial. */
export interface TimelineEvent {
  /** The purpose of the request: `write a`, `logout`, `read`. */
  readonly label: string
  /** The sender: `browser`, `old cookie`. */
  readonly by: string
  /** The index of the server, from 0. */
  readonly server: number
  /** The method and the path, as in the options. */
  readonly request: string
  readonly from: number
  readonly to: number
  /** The HTTP status; 0 if no answer came. */
  readonly status: number
  readonly error?: string
  /** Whether the answer set or removed a session cookie. */
  readonly setsCookie: boolean
  /** Whether it is one of the racing requests. */
  readonly racing: boolean
  /** What the answer showed of the session, and what it did not show. */
  readonly saw?: readonly Sighting[]
}

/** Whether an answer showed a sign-in (`signed in`) or a write (its label). */
export interface Sighting {
  readonly what: string
  readonly there: boolean
}

/** The error of a trial that cannot be judged, because the app did not answer as it should. */
export class Unjudged extends Error {
  override readonly name = 'Unjudged'
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Makes a unique word that needs no encoding in URLs, forms or JSON. */
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
