import type { Session, Sessions } from '@sess/core'

/** What a session holds. */
export interface Data {
  cart: string[]
}

/** The application's sessions, and the token by which Nest provides them. */
export type AppSessions = Sessions<Partial<Data>>
export const SESSIONS = Symbol('sessions')

/** The type of the session that Nest's `@Session()` gives to a handler, on both adapters. */
export type AppSession = Session<Partial<Data>>
