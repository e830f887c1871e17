/** What requests know and hold: by the oracle's own reading of the design, not by core's. */
import { handle, type Step } from '../records.ts'
import type { SessionRecord } from '../../src/store.ts'
import type { Core, Reader, Seen } from './core.ts'
import { OTHER, SUBJECT, type Operation, type Request } from './requests.ts'
import { historyTo, type Point } from './runs.ts'
import type { Scene } from './scheduler.ts'

/** Says what is wrong, and with which invariant. */
export type Say = (invariant: number, what: string) => void

/** What checks are made with. */
export interface Bench {
  readonly core: Core
  readonly reader: Reader
  readonly scene: Scene
  readonly say: Say
}

/** How long a marker lives, and for how long superseded secrets are known at least, in ms. */
export const KNOWN_FOR_MS = 60_000

/** The longest window, and 5 s: a clock that is further before a window's end is slow. In ms. */
export const LONGEST_WINDOW = 65_000

/** What a secret is worth to a record. `marker`: was valid when the marker was made. `nothing`: not known. */
export type Worth = 'current' | 'kept' | 'superseded' | 'marker' | 'nothing'

/** Who an operation signs in. */
export function signsIn(operation: Operation): string | undefined {
  return operation === 'login' ? SUBJECT : operation === 'login-other' ? OTHER : undefined
}

/** The handle in a cookie value. */
export function handleIn(cookie: string): string {
  return cookie.slice(0, 28)
}

const digests = new WeakMap<Core, Map<string, string>>()

/** The digest of the secret in a cookie value; made with the core on trial, once. */
export function digestIn(core: Core, cookie: string): string {
  const known = digests.get(core) ?? new Map<string, string>()
  digests.set(core, known)
  let digest = known.get(cookie)
  if (digest === undefined) known.set(cookie, (digest = core.token.digestOf(cookie.slice(28))))
  return digest
}

/** What the secret in a cookie value is worth. */
export function worth(core: Core, cookie: string, { marker, digest, earlier }: Seen, now: number): Worth {
  const mine = digestIn(core, cookie)
  const old = earlier.find((secret) => secret.digest === mine)
  // A marker hands its data to who held a valid secret when it was made; to others it is nothing.
  if (marker) return digest === mine || (old && old.keptUntil !== 0) ? 'marker' : 'nothing'
  if (digest === mine) return 'current'
  return old ? (old.keptUntil - LONGEST_WINDOW <= now && now < old.keptUntil ? 'kept' : 'superseded') : 'nothing'
}

/** What a request's secret was worth when it loaded its session. */
export function worthAtLoad({ core, reader, scene }: Bench, request: Request, point: Point): Worth {
  const record = loadedRecord(point)
  const cookie = scene.start.cookies[request.cookie]!
  return record ? worth(core, cookie, reader.read(record), historyTo(point)[0]!.now) : 'nothing'
}

/** The record that a request read first, when it loaded its session. */
export function loadedRecord(point: Point): SessionRecord | undefined {
  const heard = historyTo(point)[0]?.heard
  return typeof heard === 'object' ? (heard.value as SessionRecord | undefined) : undefined
}

/** True for a record that a request has made itself, before it came to a point. */
export function isOwn(point: Point, name: string): boolean {
  return creations(point).some(({ key }) => handle(key) === name)
}

/** The creates that a request has sent before it came to a point: all of them, or those whose answer was lost. */
export function creations(point: Point, fate?: 'lost'): Extract<Step, { method: 'create' }>[] {
  return historyTo(point).flatMap(({ point: { call }, heard }) =>
    call?.method === 'create' && (fate === undefined || heard === fate) ? [call] : [],
  )
}
