import type { Session } from '@sess/core'

/**
 * Tells TypeScript what `req.session` is:
 *
 * ```ts no-check
 * declare module '@sess/express' {
 *   interface Register { sessions: typeof sessions }
 * }
 * ```
 */
export interface Register {}

/** The session of the registered sessions; of unknown data where none are. */
export type RegisteredSession = Register extends {
  sessions: { load(cookieValue: string | undefined): Promise<infer Loaded> }
}
  ? Loaded
  : Session

declare global {
  namespace Express {
    interface Request {
      /** The session of this request. Touching it makes the response private to its cookie. */
      get session(): RegisteredSession
    }
  }
}
