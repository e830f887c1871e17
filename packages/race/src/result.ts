import type { RaceName } from './options.ts'
import type { TimelineEvent } from './trial.ts'

/** What can go wrong with a session. */
export type Kind = 'lost' | 'resurrected' | 'adopted'

/** The name of a check. */
export type CheckName =
  | 'write-lost'
  | 'alive-after-logout'
  | 'alive-after-login'
  | 'sign-in-lost'
  | 'lost-over-login'
  | 'fixated'
  | 'made-up-adopted'
  | 'ended-adopted'

/** The checks, each a row of the table. */
export const CHECKS: Readonly<
  Record<CheckName, { readonly race: RaceName; readonly kind: Kind; readonly title: string }>
> = {
  'write-lost': { race: 'writes', kind: 'lost', title: 'an acknowledged write is not there' },
  'alive-after-logout': { race: 'logout', kind: 'resurrected', title: 'the session is alive after its logout' },
  'alive-after-login': { race: 'login', kind: 'resurrected', title: 'the old cookie is alive after a login' },
  'sign-in-lost': { race: 'login', kind: 'lost', title: 'the browser is not signed in after its login' },
  'lost-over-login': { race: 'login', kind: 'lost', title: 'an acknowledged write is lost over a login' },
  fixated: { race: 'fixation', kind: 'adopted', title: 'a cookie from before the login is signed in' },
  'made-up-adopted': { race: 'adoption', kind: 'adopted', title: 'a made-up cookie is adopted' },
  'ended-adopted': { race: 'adoption', kind: 'adopted', title: 'an ended cookie is adopted' },
}

/** What one check found. */
export interface Row {
  readonly check: CheckName
  readonly race: RaceName
  readonly kind: Kind
  readonly title: string
  /**
   * `not run`: the requests, or the app, leave nothing to check. `not judged`: too few trials could be judged, or none
   * had two requests in flight at once; `note` says why.
   */
  readonly status: 'clean' | 'found' | 'not judged' | 'not run'
  /** Trials that found it. */
  readonly found: number
  /** Trials that could be judged. */
  readonly judged: number
  /** The 95 % Wilson score interval of found / judged, as shares from 0 to 1. */
  readonly interval: readonly [low: number, high: number]
  /** Of the trials judged: those in which the requests were in flight at once. Absent where nothing races. */
  readonly inFlight?: number
  /** What was found, how often: `signed in`, `data only`. A trial may count under several. */
  readonly details: Readonly<Record<string, number>>
  /** Why trials could not be judged, how often. */
  readonly unjudged: Readonly<Record<string, number>>
  readonly note?: string
}

/** One trial of a race, request by request. */
export interface Timeline {
  readonly race: RaceName
  /** What it found; empty: an example of a trial that found nothing. */
  readonly checks: readonly CheckName[]
  /** Counted from 0. */
  readonly trial: number
  readonly events: readonly TimelineEvent[]
}

/** What was learnt with nothing in flight. */
export interface Baseline {
  /** The cookies that the session depends on. */
  readonly cookies: readonly string[]
  /** What an anonymous browser has: a session that takes writes, one that does not, or none. */
  readonly anonymous: 'writable' | 'empty' | 'none'
  /** Whether an anonymous browser's data is still there after its login. Undefined where it cannot have any. */
  readonly loginCarriesData?: boolean
  /** Whether a login gives an anonymous browser another cookie value. Undefined where it had none. */
  readonly loginRotates?: boolean
  /** What a login does for a browser that is signed in. Known only where an anonymous one has no session to write to. */
  readonly loginAgain?: 'rotates' | 'keeps' | 'refused'
  /** Whether the cookies from before are still good after a quiet login, of the kind that is raced. */
  readonly aliveAfterLogin?: boolean
  /** Whether they are after a quiet logout. */
  readonly aliveAfterLogout?: boolean
  /** The shortest times of quiet requests, in ms: a longer one would let requests miss each other in the races. */
  readonly latencyMs: { readonly inFlight: number; readonly login?: number; readonly logout?: number }
}

/** What a run found. `--json` writes this. */
export interface RaceResult {
  /** Of this format. */
  readonly version: 1
  /** `clean`: every check that was run was judged, and none found anything. */
  readonly verdict: 'clean' | 'found' | 'not judged'
  /** ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  readonly servers: readonly string[]
  /** Trials of each race that were asked for. */
  readonly trials: number
  /** What was sent, without bodies. */
  readonly requests: Readonly<Record<string, string>>
  readonly baseline: Baseline
  readonly rows: readonly Row[]
  readonly timelines: readonly Timeline[]
}
