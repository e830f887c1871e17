import { isDeepStrictEqual } from 'node:util'
import { SessError } from '@sess/core'

/** A session's data, as JSON has it. */
export type Data = Record<string, unknown>

/** A cookie, as a host puts it into JSON. */
interface StoredCookie {
  /** How long the cookie lives after each response, in ms; null: its expiry is fixed, or it has none. */
  readonly originalMaxAge?: unknown
  /** Stored only where it is fixed: one that slides is the record's own expiry. */
  readonly expires?: unknown
}

/**
 * The key, in the cookie that `get` gives, of the state that was loaded: a copy by JSON or `structuredClone` carries it. Hosts
 * take what they know from a cookie, and leave it out.
 */
export const VERSION = '@sess/version'

/** express-session reads the clock twice for one expiry, and so loses a millisecond of the cookie's life now and then. */
const DRIFT_MS = 1000

/**
 * What a host would store of a session, less what the record itself says.
 *
 * @param before - The cookie as it was stored, if it was.
 * @throws What JSON.stringify throws. {@link SessError} `unserializable` for what is no object in JSON.
 */
export function dataOf(session: object, before: unknown): Data {
  const { cookie } = session as { readonly cookie?: unknown }
  if (isObject(before) && isObject(cookie) && !isSpecial(session) && hasSameValues(cookie, before))
    return asJson(session, before)
  const data = asJson(session)
  data['cookie'] = storedCookie(data['cookie'], before)
  return data
}

/** What is stored of a cookie, as JSON has it. */
function storedCookie(cookie: unknown, before: unknown): Data {
  if (!isObject(cookie)) return { expires: null }
  // What @fastify/session adds: the expiry as it was loaded.
  delete cookie['originalExpires']
  delete cookie[VERSION]
  const { originalMaxAge } = cookie
  if (typeof originalMaxAge !== 'number') {
    cookie['expires'] ??= null
    return cookie
  }
  delete cookie['expires']
  const known = (before as StoredCookie | undefined)?.originalMaxAge
  if (isNear(known, originalMaxAge)) cookie['originalMaxAge'] = known
  return cookie
}

/**
 * What JSON makes of a session: `JSON.parse(JSON.stringify(session))`, but only what is nested takes that way.
 *
 * @param cookie - Stands in the cookie's place.
 */
function asJson(session: object, cookie?: Data): Data {
  if (isSpecial(session)) {
    const data: unknown = JSON.parse(JSON.stringify(session) ?? 'null')
    if (isObject(data) && !Array.isArray(data)) return data
    throw new SessError('unserializable', 'a session must be an object in JSON too; nothing was written')
  }
  const data: Data = {}
  for (const key of Object.keys(session)) {
    const value = (session as Data)[key]
    if (cookie && key === 'cookie') data[key] = cookie
    else if (typeof value === 'string' || typeof value === 'boolean' || value === null) data[key] = value
    // JSON has no -0.
    else if (Number.isFinite(value)) data[key] = value || 0
    else Object.assign(data, JSON.parse(JSON.stringify({ [key]: value })))
  }
  return data
}

/** True for an object that JSON takes otherwise than key by key. */
function isSpecial(session: object): boolean {
  return 'toJSON' in session || Array.isArray(session) || Object.hasOwn(session, '__proto__')
}

/** True if {@link dataOf} would make the stored cookie of a session's again. */
export function isSameCookie(cookie: unknown, stored: unknown): boolean {
  return (
    (isObject(cookie) && isObject(stored) && hasSameValues(cookie, stored)) ||
    isDeepStrictEqual(storedCookie(asJson({ cookie })['cookie'], stored), stored)
  )
}

/** The same without JSON, which costs each request that reads. False: not known. */
function hasSameValues(cookie: Data, stored: Data): boolean {
  const values = typeof cookie['toJSON'] === 'function' ? (cookie['toJSON']() as Data) : cookie
  const { originalMaxAge } = values
  const slides = typeof originalMaxAge === 'number'
  let count = 0
  for (const key of Object.keys(values)) {
    const value = values[key]
    if (value === undefined || key === 'originalExpires' || key === VERSION || (slides && key === 'expires')) continue
    const before = stored[key]
    const same =
      value === before ||
      (slides && key === 'originalMaxAge' && isNear(before, originalMaxAge)) ||
      (value instanceof Date && value.toJSON() === before)
    if (!same) return false
    count++
  }
  return count === Object.keys(stored).length
}

/** The cookie of stored data, as a host expects it: a new object. */
export function cookieOf(data: Data, expiresAt: number): Data {
  const cookie = { ...(data['cookie'] as Data | undefined) }
  if (typeof cookie['originalMaxAge'] === 'number') cookie['expires'] = new Date(expiresAt).toJSON()
  return cookie
}

/** How long a session lives by its cookie, if that says anything. */
export function lifeOf(data: Readonly<Data>): { idleTimeout?: number; until?: number } {
  const { originalMaxAge, expires } = (data['cookie'] ?? {}) as StoredCookie
  if (typeof originalMaxAge === 'number')
    return originalMaxAge > 0 ? { idleTimeout: Math.ceil(originalMaxAge) } : { idleTimeout: 0, until: 0 }
  const until = typeof expires === 'string' || typeof expires === 'number' ? new Date(expires).getTime() : Number.NaN
  return Number.isNaN(until) ? {} : { idleTimeout: 0, until }
}

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null
}

function isNear(known: unknown, maxAge: number): boolean {
  return typeof known === 'number' && Math.abs(known - maxAge) < DRIFT_MS
}
