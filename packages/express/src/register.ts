import type { Session } from '@sess/core'

/**
 * Tells TypeScript the type of `req.session`. Register your sessions:
 *
 * ```ts no-check
 * declare module '@sess/express' {
 *   interface Register { sessions: typeof sessions }
 * }
 * ```
 */
export interface Register {}

/** The type of the session: with the data of the registered sessions, or with unknown data if none are registered. */
export type RegisteredSession = Register extends {
  sessions: { load(cookieValue: string | undefined): Promise<infer Loaded> }
}
  ? Loaded
  : Session

declare global {
  namespace Express {
    interface Request {
      /** The session of this request. If it is used, shared caches may not store the response. */
      get session(): RegisteredSession
    }
  }
}
