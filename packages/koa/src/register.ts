import type { Session, Sessions } from '@sess/core'

/**
 * Tells TypeScript the type of `ctx.session`. Register your sessions:
 *
 * ```ts no-check
 * declare module '@sess/koa' {
 *   interface Register { sessions: typeof sessions }
 * }
 * ```
 */
export interface Register {}

/** The type of the session: with the data of the registered sessions, or with unknown data if none are registered. */
export type RegisteredSession = Register extends { sessions: Sessions<infer Data> } ? Session<Data> : Session

declare module 'koa' {
  interface ExtendableContext {
    /** The session of this request. If it is used, shared caches may not store the response. */
    get session(): RegisteredSession
  }
}
