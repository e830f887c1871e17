/**
 * Passport on @sess sessions, for Express.
 *
 * @module
 */
export { passportSession, type PassportInstance, type PassportSessionOptions } from './passport-session.ts'
export { stateStore, type StateMeta, type StateRequest, type StateStore } from './state-store.ts'
export type { SignInOptions } from './sign-in.ts'
export type { LogInOptions, LogOutOptions } from './request-login.ts'
