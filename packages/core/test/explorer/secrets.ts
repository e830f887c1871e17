/** The verdicts on secrets: an oracle that implements the design again, independent of core's code. */
import { handle, type Step } from '../records.ts'
import type { SessionRecord } from '../../src/store.ts'
import type { Core, Reader, Seen } from './core.ts'
import { OTHER, SUBJECT, type Operation, type Request } from './requests.ts'
import { historyTo, type Point } from './runs.ts'
import type { Scene } from './scheduler.ts'

/** Reports a violation, and its invariant. */
export type Say = (invariant: number, what: string) => void

/** The inputs of the checks. */
export interface Bench {
  readonly core: Core
  readonly reader: Reader
  readonly scene: Scene
  readonly say: Say
}

/** How long a marker lives, and for how long a superseded secret is known at least, in ms. */
export const KNOWN_FOR_MS = 60_000

/** The longest window and 5 s, in ms. A clock that is further before the end of a window is slow. */
export const LONGEST_WINDOW = 65_000

/** The verdict on a secret. `marker`: it was valid when the marker was made. `nothing`: the record does not know it. */
export type Worth = 'current' | 'kept' | 'superseded' | 'marker' | 'nothing'

/** The subject that an operation signs in. */
export function signsIn(operation: Operation): string | undefined {
  return operation === 'login' ? SUBJECT : operation === 'login-other' ? OTHER : undefined
}

/** The handle in a cookie value. */
export function handleIn(cookie: string): string {
  return cookie.slice(0, 28)
}

const digests = new WeakMap<Core, Map<string, string>>()

/** The digest of the secret in a cookie value. The tested core computes it, once. */
export function digestIn(core: Core, cookie: string): string {
  const known = digests.get(core) ?? new Map<string, string>()
  digests.set(core, known)
  let digest = known.get(cookie)
  if (digest === undefined) known.set(cookie, (digest = core.token.digestOf(cookie.slice(28))))
  return digest
}

/** The verdict on the secret in a cookie value. */
export function worth(core: Core, cookie: string, { marker, digest, earlier }: Seen, now: number): Worth {
  const mine = digestIn(core, cookie)
  const old = earlier.find((secret) => secret.digest === mine)
  // A marker gives its data to a request whose secret was valid when the marker was made. For others the verdict is `nothing`.
  if (marker) return digest === mine || (old && old.keptUntil !== 0) ? 'marker' : 'nothing'
  if (digest === mine) return 'current'
  return old ? (old.keptUntil - LONGEST_WINDOW <= now && now < old.keptUntil ? 'kept' : 'superseded') : 'nothing'
}

/** The verdict on a request's secret when it loaded its session. */
export function worthAtLoad({ core, reader, scene }: Bench, request: Request, point: Point): Worth {
  const record = loadedRecord(point)
  const cookie = scene.start.cookies[request.cookie]!
  return record ? worth(core, cookie, reader.read(record), historyTo(point)[0]!.now) : 'nothing'
}

/** The record that a request read when it loaded its session. */
export function loadedRecord(point: Point): SessionRecord | undefined {
  const heard = historyTo(point)[0]?.heard
  return typeof heard === 'object' ? (heard.value as SessionRecord | undefined) : undefined
}

/** True for a record that the request itself has created before a point. */
export function isOwn(point: Point, name: string): boolean {
  return creations(point).some(({ key }) => handle(key) === name)
}

/** The creates that a request has sent before a point: all, or only those whose answer was lost. */
export function creations(point: Point, fate?: 'lost'): Extract<Step, { method: 'create' }>[] {
  return historyTo(point).flatMap(({ point: { call }, heard }) =>
    call?.method === 'create' && (fate === undefined || heard === fate) ? [call] : [],
  )
}
