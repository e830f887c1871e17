import { EventEmitter } from 'node:events'
import { SessError, type OutcomeStatus } from '@sess/core'
import { externalIdSessions, type ExternalIdSession, type ExternalIdSessions } from '@sess/core/external-ids'
import { lifeOf } from './cookie.ts'
import { HostStoreBase, type Callback, type HostRequest, type HostSession, type LoadedSession } from './host.ts'
import { Legacy } from './legacy.ts'
import type { SessStoreEvents, SessStoreOptions } from './options.ts'
import { Trail, Trails, wasDropped } from './trail.ts'

const EVENTS = ['created', 'rejected', 'conflict', 'logout', 'revoked', 'error'] as const

/**
 * A store for express-session 1.19, and @fastify/session 11.1.2 or later, over any @sess store.
 *
 * What was loaded is saved by compare-and-set, and merged by top-level key; once it is destroyed it is not created again.
 * What was never loaded is created. IDs are kept as hashes. Every method takes a callback, or returns a promise.
 *
 * Emits {@link SessStoreEvents}.
 */
export class SessStore extends HostStoreBase {
  readonly #sessions: ExternalIdSessions
  readonly #legacy: Legacy | undefined
  readonly #throwsGone: boolean
  readonly #trails = new Trails()

  /** @throws {SessError} `invalid_option`, naming the option; `unsupported` for `index` on a store that cannot list. */
  constructor(options: SessStoreOptions) {
    super()
    const { legacy, onGone = 'ignore', ...rest } = checked(options)
    this.#throwsGone = onGone === 'throw'
    this.#sessions = externalIdSessions({ ...rest, lifeOf, domain: '@sess/express-session' })
    this.#legacy = legacy && new Legacy(this.#sessions, legacy)
    for (const name of EVENTS) this.#sessions.on(name, (event) => this.#tell(name, event))
  }

  /** The session of an ID; null if there is none. @throws {SessError} `store_unavailable`: an outage is not a logout. */
  get(id: string, callback?: Callback<LoadedSession>): Promise<HostSession | null | undefined> {
    return answer(this.#get(id), callback)
  }

  /** Saves a session: what was loaded is never created. @throws {SessError} As `commit()` of a session of @sess/core. */
  set(id: string, session: HostSession, callback?: Callback): Promise<void> {
    return answer(this.#set(id, session), callback)
  }

  /** Moves a session's expiry, if that is due; saves its cookie's options if these changed. */
  touch(id: string, session: HostSession, callback?: Callback): Promise<void> {
    return answer(this.#touch(id, session), callback)
  }

  /** Ends a session. No save that is in flight brings it back. */
  destroy(id: string, callback?: Callback): Promise<void> {
    return answer(this.#legacy ? this.#legacy.end(id) : this.#sessions.end(id), callback)
  }

  /** All sessions' data; `id` is the handle, for {@link revoke}, and not the ID. @throws {SessError} `unsupported` without the option `index`. */
  all(callback?: Callback<LoadedSession[]>): Promise<HostSession[] | undefined> {
    return answer(this.#all(), callback)
  }

  /** How many live; without the option `index`: all records of the store. @throws {SessError} `unsupported`. */
  length(callback?: Callback<number>): Promise<number | undefined> {
    return answer(this.#sessions.count(), callback)
  }

  /** Ends all sessions. @throws {SessError} `unsupported` without the option `index`. */
  clear(callback?: Callback): Promise<void> {
    return answer(this.#sessions.clear(), callback)
  }

  /** Ends a session by the `id` that {@link all} gives. False if there was none. */
  revoke(handle: string, callback?: Callback<boolean>): Promise<boolean | undefined> {
    return answer(this.#sessions.revoke(handle), callback)
  }

  /** Called by express-session. */
  override regenerate(request: HostRequest, callback: (error?: unknown) => void): void {
    this.#trails.forget(request)
    super.regenerate(request, callback)
  }

  /** Called by express-session: makes a session object of what {@link get} gave. */
  override createSession(request: HostRequest, data: HostSession): never {
    const trail = request.sessionID === undefined ? undefined : this.#trails.of(request.sessionID, data)
    const session: HostSession = super.createSession(request, data)
    if (trail) for (const from of [session, session.cookie as object, request]) this.#trails.lead(from, trail)
    return session as never
  }

  async #get(id: string): Promise<HostSession | null> {
    const session = (await this.#sessions.load(id)) ?? (await this.#legacy?.take(id))
    return session ? this.#present(id, session) : null
  }

  #present(id: string, session: ExternalIdSession): HostSession {
    const trail = new Trail(id, session)
    const data = trail.present()
    this.#trails.lead(data, trail)
    return data
  }

  async #set(id: string, session: HostSession): Promise<void> {
    const trail = this.#trails.of(id, session) ?? new Trail(id, this.#sessions.start(id))
    this.#trails.lead(session, trail)
    const dropped = !trail.isStored && wasDropped(session)
    this.#settle(trail, dropped ? 'gone' : await trail.save(session))
  }

  #settle({ handle }: Trail, status: OutcomeStatus): void {
    if (status !== 'gone') return
    this.#tell('gone', { handle })
    if (this.#throwsGone)
      throw new SessError(
        'session_destroyed',
        `session ${handle} ended while this request was running; nothing was written`,
      )
  }

  async #touch(id: string, session: HostSession): Promise<void> {
    const trail = this.#trails.of(id, session)
    if (trail?.isStored) return this.#settle(trail, await trail.touch(session))
    const stored = await this.#get(id)
    if (stored) await this.#set(id, Object.assign(stored, { cookie: session.cookie as unknown }))
  }

  async #all(): Promise<HostSession[]> {
    const all: HostSession[] = []
    for await (const session of this.#sessions.all())
      all.push({ ...new Trail('', session).present(), id: session.handle } as HostSession)
    return all
  }

  #tell<Name extends keyof SessStoreEvents>(name: Name, event: SessStoreEvents[Name]): void {
    // Without a listener, an EventEmitter throws an `error`; whoever called gets it anyway.
    if (name !== 'error' || this.listenerCount(name) > 0) EventEmitter.prototype.emit.call(this, name, event)
  }
}

/** Answers by callback, which runs outside of any promise: what it throws is not a rejection here. */
function answer<T>(result: Promise<T>, callback: Callback<T> | undefined): Promise<T>
function answer<T>(result: Promise<T>, callback: Callback<T> | undefined): Promise<T | undefined> {
  if (!callback) return result
  return result.then(
    (value) => later(callback, null, value),
    (error: unknown) => later(callback, error),
  )
}

function later<T>(callback: Callback<T>, error: unknown, value?: T): undefined {
  process.nextTick(callback, error, value)
}

/** The options of connect-redis would do nothing here, or something else. */
function checked(options: SessStoreOptions): SessStoreOptions {
  for (const name of ['ttl', 'client', 'prefix', 'disableTouch', 'disableTTL', 'serializer', 'scanCount'])
    if (name in options)
      throw new SessError(
        'invalid_option',
        `${name} is an option of connect-redis and none of SessStore; see docs/migrating-from-connect-redis.md`,
      )
  return options
}
