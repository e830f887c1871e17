import { isDeepStrictEqual } from 'node:util'
import { SessError } from '@sess/core'

/** A session's data, as JSON represents it. */
export type Data = Record<string, unknown>

/** A cookie, as express-session and @fastify/session write it into JSON. */
interface StoredCookie {
  /** How long the cookie lives after each response, in ms; null: its expiry is fixed, or it has none. */
  readonly originalMaxAge?: unknown
  /** Stored only if it is fixed. A sliding expiry is the expiry of the record. */
  readonly expires?: unknown
}

/**
 * The property of a cookie from `get` that identifies the loaded state. A copy by JSON or `structuredClone` has it too. The session
 * libraries ignore it.
 */
export const VERSION = '@sess/version'

/** express-session reads the clock twice for one expiry, and so loses a millisecond of the cookie's life now and then. */
const DRIFT_MS = 1000

/**
 * The data that the session library would store, without what the record itself holds.
 *
 * @param before - The stored cookie, if there is one.
 * @throws The errors of JSON.stringify. {@link SessError} `unserializable` if the session is not an object in JSON.
 */
export function dataOf(session: object, before: unknown): Data {
  const { cookie } = session as { readonly cookie?: unknown }
  if (isObject(before) && isObject(cookie) && !isSpecial(session) && hasSameValues(cookie, before))
    return asJson(session, before)
  const data = asJson(session)
  data['cookie'] = storedCookie(data['cookie'], before)
  return data
}

/** The part of a cookie that is stored, as JSON represents it. */
function storedCookie(cookie: unknown, before: unknown): Data {
  if (!isObject(cookie)) return { expires: null }
  // @fastify/session adds the expiry as it was loaded.
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
 * The result of `JSON.parse(JSON.stringify(session))`. For speed, it calls JSON for nested values only.
 *
 * @param cookie - Replaces the session's cookie.
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

/** True for an object that JSON does not write key by key. */
function isSpecial(session: object): boolean {
  return 'toJSON' in session || Array.isArray(session) || Object.hasOwn(session, '__proto__')
}

/** True if {@link dataOf} would return the stored cookie for this cookie. */
export function isSameCookie(cookie: unknown, stored: unknown): boolean {
  return (
    (isObject(cookie) && isObject(stored) && hasSameValues(cookie, stored)) ||
    isDeepStrictEqual(storedCookie(asJson({ cookie })['cookie'], stored), stored)
  )
}

/** The same check without JSON, which would cost time in each request. False means that the answer is not known. */
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

/** The cookie of stored data, as the session library expects it: a new object. */
export function cookieOf(data: Data, expiresAt: number): Data {
  const cookie = { ...(data['cookie'] as Data | undefined) }
  if (typeof cookie['originalMaxAge'] === 'number') cookie['expires'] = new Date(expiresAt).toJSON()
  return cookie
}

/** How long a session lives, according to its cookie; an empty object if the cookie does not say. */
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
