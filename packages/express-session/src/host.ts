/// <reference types="node" preserve="true" />
import type { EventEmitter } from 'node:events'
import expressSession from 'express-session'
import type { SessStoreEvents } from './options.ts'

/*
 * express-session's types are not imported: they would give `req.session` a type in every program that imports this
 * package, those of @sess/express and @fastify/session among them.
 */

/** A callback as in Node.js: the error first. */
export type Callback<T = void> = (error: unknown, value?: T) => void

/** A session as express-session and @fastify/session pass it to a store. */
export interface HostSession {
  // oxlint-disable-next-line typescript/no-explicit-any -- what a cookie holds differs from host to host
  cookie: any
}

/** A session as a store returns it to the session library. This package does not know the library's type of it. */
// oxlint-disable-next-line typescript/no-explicit-any -- any, so that it fits whatever an app declares for its sessions
export type LoadedSession = any

/** A request of express-session. */
export interface HostRequest {
  sessionID?: string
}

/** The methods of express-session's `Store`. */
export interface HostStore extends EventEmitter<{ [Name in keyof SessStoreEvents]: [event: SessStoreEvents[Name]] }> {
  /** Destroys the request's session and gives it a new one. */
  regenerate(request: HostRequest, callback: (error?: unknown) => void): void
  /** Loads a session without a request. */
  load(id: string, callback: (error: unknown, session?: never) => void): void
  /** Makes a session object of the result of `get`. */
  createSession(request: HostRequest, data: HostSession): never
}

/** express-session's `Store`. */
export const HostStoreBase: new () => HostStore = expressSession.Store as unknown as new () => HostStore
