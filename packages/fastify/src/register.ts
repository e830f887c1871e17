import type { Session, Sessions } from '@sess/core'

/**
 * Tells TypeScript what `request.session` is:
 *
 * ```ts no-check
 * declare module '@sess/fastify' {
 *   interface Register { sessions: typeof sessions }
 * }
 * ```
 */
export interface Register {}

/** The session of the registered sessions; of unknown data where none are. */
export type RegisteredSession = Register extends { sessions: Sessions<infer Data> } ? Session<Data> : Session

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of this request. Using it makes the response private to its cookie. */
    get session(): RegisteredSession
  }
}
