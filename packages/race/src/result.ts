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
   * `not run`: with these requests, or with this app, there is nothing to check. `not judged`: too few trials could be judged, or no trial
   * had two requests in flight at the same time; `note` says why.
   */
  readonly status: 'clean' | 'found' | 'not judged' | 'not run'
  /** How many trials found it. */
  readonly found: number
  /** How many trials could be judged. */
  readonly judged: number
  /** The 95 % Wilson score interval of found / judged, as shares from 0 to 1. */
  readonly interval: readonly [low: number, high: number]
  /** In how many of the judged trials the requests were in flight at the same time. Absent if the check has no race. */
  readonly inFlight?: number
  /** How often each kind was found: `signed in`, `data only`. A trial may count under several kinds. */
  readonly details: Readonly<Record<string, number>>
  /** How often trials could not be judged, by reason. */
  readonly unjudged: Readonly<Record<string, number>>
  readonly note?: string
}

/** One trial of a race, request by request. */
export interface Timeline {
  readonly race: RaceName
  /** The checks that found something; empty: an example of a trial that found nothing. */
  readonly checks: readonly CheckName[]
  /** The number of the trial, from 0. */
  readonly trial: number
  readonly events: readonly TimelineEvent[]
}

/** Facts about the app, measured with one request at a time. */
export interface Baseline {
  /** The cookies that the session depends on. */
  readonly cookies: readonly string[]
  /** The session of an anonymous browser: it takes writes (`writable`), takes none (`empty`), or there is none. */
  readonly anonymous: 'writable' | 'empty' | 'none'
  /** Whether a login keeps the data of an anonymous browser. Undefined if it cannot have data. */
  readonly loginCarriesData?: boolean
  /** Whether a login gives an anonymous browser another cookie value. Undefined if it had none. */
  readonly loginRotates?: boolean
  /** What another login does for a signed-in browser. Known only if an anonymous browser has no session to write to. */
  readonly loginAgain?: 'rotates' | 'keeps' | 'refused'
  /** Whether the earlier cookies still work after a login without a race. */
  readonly aliveAfterLogin?: boolean
  /** Whether the earlier cookies still work after a logout without a race. */
  readonly aliveAfterLogout?: boolean
  /** The shortest times of requests that were sent alone, in ms. Longer times would make the requests of a race miss each other. */
  readonly latencyMs: { readonly inFlight: number; readonly login?: number; readonly logout?: number }
}

/** What a run found. `--json` writes this. */
export interface RaceResult {
  /** The version of this format. */
  readonly version: 1
  /** `clean`: every check that was run was judged, and found nothing. */
  readonly verdict: 'clean' | 'found' | 'not judged'
  /** When the run started, in ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  readonly servers: readonly string[]
  /** How many trials each race should have. */
  readonly trials: number
  /** The requests, without bodies. */
  readonly requests: Readonly<Record<string, string>>
  readonly baseline: Baseline
  readonly rows: readonly Row[]
  readonly timelines: readonly Timeline[]
}
