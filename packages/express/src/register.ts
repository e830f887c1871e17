import type { Session, Sessions } from '@sess/core'

/**
 * Tells TypeScript what `req.session` is:
 *
 * ```ts no-check
 * declare module '@sess/express' {
 *   interface Register { sessions: typeof sessions }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-interface -- filled in by the user
export interface Register {}

/** The session of the registered sessions; of unknown data where none are. */
export type RegisteredSession = Register extends { sessions: Sessions<infer Data> } ? Session<Data> : Session

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express is typed through this namespace
  namespace Express {
    interface Request {
      /** The session of this request. Touching it makes the response private to its cookie. */
      get session(): RegisteredSession
    }
  }
}
