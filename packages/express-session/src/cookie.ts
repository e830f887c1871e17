/** A session's data, as JSON has it. */
export type Data = Record<string, unknown>

/** A cookie, as a host puts it into JSON. */
interface StoredCookie {
  /** How long the cookie lives after each response, in ms; null: its expiry is fixed, or it has none. */
  readonly originalMaxAge?: unknown
  /** Stored only where it is fixed: one that slides is the record's own expiry. */
  readonly expires?: unknown
}

/** express-session reads the clock twice for one expiry, and so loses a millisecond of the cookie's life now and then. */
const DRIFT_MS = 1000

/**
 * What a host would store of a session, less what the record itself says.
 *
 * @param before - The cookie as it was stored, if it was.
 * @throws What JSON.stringify throws.
 */
export function dataOf(session: object, before: unknown): Data {
  const data = JSON.parse(JSON.stringify(session)) as Data
  const { expires, ...cookie } = (data['cookie'] ?? {}) as Data
  // What @fastify/session adds: the expiry as it was loaded.
  delete cookie['originalExpires']
  const { originalMaxAge } = cookie
  if (typeof originalMaxAge !== 'number') return { ...data, cookie: { ...cookie, expires: expires ?? null } }
  const known = (before as StoredCookie | undefined)?.originalMaxAge
  const same = typeof known === 'number' && Math.abs(known - originalMaxAge) < DRIFT_MS
  return { ...data, cookie: { ...cookie, originalMaxAge: same ? known : originalMaxAge } }
}

/** The cookie of stored data, as a host expects it. */
export function cookieOf(data: Data, expiresAt: number): Data {
  const cookie = (data['cookie'] ?? {}) as Data
  return typeof cookie['originalMaxAge'] === 'number' ? { ...cookie, expires: new Date(expiresAt).toJSON() } : cookie
}

/** How long a session lives by its cookie, if that says anything. */
export function lifeOf(data: Readonly<Data>): { idleTimeout?: number; until?: number } {
  const { originalMaxAge, expires } = (data['cookie'] ?? {}) as StoredCookie
  if (typeof originalMaxAge === 'number')
    return originalMaxAge > 0 ? { idleTimeout: Math.ceil(originalMaxAge) } : { idleTimeout: 0, until: 0 }
  const until = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  return Number.isNaN(until) ? {} : { idleTimeout: 0, until }
}
