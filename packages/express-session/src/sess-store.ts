import { EventEmitter } from 'node:events'
import { isSessError, SessError, type OutcomeStatus } from '@sess/core'
import { checkOptions, type OptionNames } from '@sess/core/adapter'
import { externalIdSessions, type ExternalIdSessions } from '@sess/core/external-ids'
import { lifeOf, VERSION } from './cookie.ts'
import { HostStoreBase, type Callback, type HostRequest, type HostSession, type LoadedSession } from './host.ts'
import { Legacy } from './legacy.ts'
import type { SessStoreEvents, SessStoreOptions } from './options.ts'
import { Origin, Origins, wasDropped } from './origin.ts'

const DONE = Promise.resolve()
const EVENTS = ['created', 'rejected', 'conflict', 'logout', 'revoked', 'error'] as const

/**
 * A store for express-session 1.19, and for @fastify/session 11.1.2 or later, on any @sess store.
 *
 * It saves a loaded session by compare-and-set, and merges top-level keys; it does not create a loaded session again after its end. It
 * creates a session that was never loaded. The @sess store holds hashes of the IDs. Every method takes a callback or returns a promise.
 *
 * Emits {@link SessStoreEvents}.
 */
export class SessStore extends HostStoreBase {
  readonly #sessions: ExternalIdSessions
  readonly #legacy: Legacy | undefined
  readonly #throwsGone: boolean
  readonly #replaces: boolean
  readonly #origins = new Origins()

  /** @throws {SessError} `invalid_option`, naming the option. */
  constructor(options: SessStoreOptions) {
    super()
    const { legacy, onGone = 'ignore', onUnloaded = 'conflict', ...rest } = checked(options)
    this.#throwsGone = oneOf('onGone', onGone, ['ignore', 'throw']) === 'throw'
    this.#replaces = oneOf('onUnloaded', onUnloaded, ['conflict', 'replace']) === 'replace'
    this.#sessions = externalIdSessions({ ...rest, lifeOf, domain: '@sess/express-session' })
    this.#legacy = legacy && new Legacy(this.#sessions, legacy)
    for (const name of EVENTS) this.#sessions.on(name, (event) => this.#tell(name, event))
  }

  /** Loads the session of an ID; null if there is none. @throws {SessError} `store_unavailable`: an outage signs nobody out. */
  get(id: string, callback?: Callback<LoadedSession>): Promise<HostSession | null | undefined> {
    return this.#answer(this.#get(id), callback)
  }

  /** Saves a session. It never creates a loaded session again. @throws {SessError} As `commit()` of a session of @sess/core. */
  set(id: string, session: HostSession, callback?: Callback): Promise<void> {
    return this.#answer(this.#set(id, session), callback)
  }

  /**
   * Touches a session, if that is due; saves the options of its cookie, if they have changed. If there is nothing to do, it calls back
   * synchronously, so that express-session sends the response in one piece.
   */
  touch(id: string, session: HostSession, callback?: Callback): Promise<void> {
    if (callback && this.#origins.of(id, session)?.isTouched(session)) {
      this.#call(callback, null)
      return DONE
    }
    return this.#answer(this.#touch(id, session), callback)
  }

  /** Ends a session. No save in flight brings it back. */
  destroy(id: string, callback?: Callback): Promise<void> {
    return this.#answer(this.#legacy ? this.#legacy.end(id) : this.#sessions.end(id), callback)
  }

  /**
   * Lists the data of all sessions. Their `id` is not the ID but the handle, for {@link revoke}.
   *
   * @throws {SessError} `unsupported` if the @sess store cannot list all its records.
   */
  all(callback?: Callback<LoadedSession[]>): Promise<HostSession[] | undefined> {
    return this.#answer(this.#all(), callback)
  }

  /** Counts the live records of the @sess store. @throws {SessError} `unsupported` if it cannot count. */
  length(callback?: Callback<number>): Promise<number | undefined> {
    return this.#answer(this.#sessions.count(), callback)
  }

  /** Ends all sessions. @throws {SessError} `unsupported`, as {@link all}. */
  clear(callback?: Callback): Promise<void> {
    return this.#answer(this.#sessions.clear(), callback)
  }

  /** Ends a session by the `id` from {@link all}. Resolves to false if there was no such session. */
  revoke(handle: string, callback?: Callback<boolean>): Promise<boolean | undefined> {
    return this.#answer(this.#sessions.revoke(handle), callback)
  }

  /** Ends the timers (see `sweepEvery`). Idempotent. You can still use the store afterwards. You close the @sess store. */
  close(): Promise<void> {
    return this.#sessions.close()
  }

  /** Destroys the request's session, and makes a new one. express-session calls it. */
  override regenerate(request: HostRequest, callback: (error?: unknown) => void): void {
    this.#origins.lead(request, undefined)
    super.regenerate(request, callback)
  }

  /** Makes a session object of the result of {@link get}. express-session calls it. */
  override createSession(request: HostRequest, data: HostSession): never {
    const origin = request.sessionID === undefined ? undefined : this.#origins.of(request.sessionID, data)
    const session: HostSession = super.createSession(request, data)
    if (origin) this.#origins.leadAll(session, request, origin)
    return session as never
  }

  async #get(id: string): Promise<HostSession | null> {
    const session = (await this.#sessions.load(id)) ?? (await this.#legacy?.take(id))
    return session ? this.#origins.present(new Origin(id, session)) : null
  }

  async #set(id: string, session: HostSession, tries = 3): Promise<void> {
    const origin = this.#origins.of(id, session) ?? (await this.#unloaded(id, session))
    if (!origin) return
    // Before the save: if the answer to the save is lost, the next save of this object settles it.
    this.#origins.lead(session, origin)
    const dropped = !origin.isStored && wasDropped(session)
    try {
      this.#settle(origin, dropped ? 'gone' : await origin.save(session))
    } catch (error) {
      const isCreated = this.#replaces && !origin.isStored && isSessError(error, 'conflict')
      if (!isCreated || tries === 1) throw error
      // Another request has just created the session, so it can be replaced.
      this.#origins.lead(session, undefined)
      await this.#set(id, session, tries - 1)
    }
  }

  /** The origin for an object that refers to none. Undefined: its session is gone. */
  async #unloaded(id: string, session: HostSession): Promise<Origin | undefined> {
    const made = this.#sessions.start(id)
    const version: unknown = (session.cookie as { readonly [VERSION]?: unknown } | undefined)?.[VERSION]
    const isCopy = typeof version === 'string' && version.startsWith(made.handle) && !this.#origins.isElsewhere(session)
    if (!isCopy && !this.#replaces) return new Origin(id, made)
    const stored = await this.#sessions.load(id)
    if (stored && (this.#replaces || stored.version === version)) return new Origin(id, stored)
    if (!isCopy) return new Origin(id, made)
    if (stored)
      throw new SessError(
        'conflict',
        `another request has changed session ${made.handle} since this copy was loaded; load the session again. Nothing was written`,
      )
    this.#settle(new Origin(id, made), 'gone')
    return undefined
  }

  #settle({ handle }: Origin, status: OutcomeStatus): void {
    if (status !== 'gone') return
    this.#tell('gone', { handle })
    if (this.#throwsGone)
      throw new SessError(
        'session_destroyed',
        `session ${handle} ended while this request was running; nothing was written`,
      )
  }

  async #touch(id: string, session: HostSession): Promise<void> {
    const origin = this.#origins.of(id, session)
    if (origin?.isStored) return this.#settle(origin, await origin.touch(session))
    const stored = await this.#get(id)
    if (stored) await this.#set(id, Object.assign(stored, { cookie: session.cookie as unknown }))
  }

  async #all(): Promise<HostSession[]> {
    const all: HostSession[] = []
    for await (const session of this.#sessions.all())
      all.push(Object.assign(this.#origins.present(new Origin('', session)), { id: session.handle }))
    return all
  }

  #answer<T>(result: Promise<T>, callback: Callback<T> | undefined): Promise<T>
  #answer<T>(result: Promise<T>, callback: Callback<T> | undefined): Promise<T | undefined> {
    if (!callback) return result
    return result.then(
      (value) => this.#call(callback, null, value),
      (error: unknown) => this.#call(callback, error),
    )
  }

  /**
   * Calls a callback. The callback may throw: that of @fastify/session does if a handler sends twice. Then it is called again with the
   * error, as connect-redis does. A second throw is reported, and does not end the process.
   */
  #call<T>(callback: Callback<T>, error: unknown, value?: T): undefined {
    let failure: unknown
    try {
      callback(error, value)
      return
    } catch (thrown) {
      failure = thrown
    }
    try {
      if (error === null) {
        callback(failure)
        return
      }
    } catch (thrown) {
      failure = thrown
    }
    if (this.listenerCount('error') === 0) process.emitWarning(asError(failure))
    this.#tell('error', { code: 'configuration', operation: 'callback', error: failure })
  }

  #tell<Name extends keyof SessStoreEvents>(name: Name, event: SessStoreEvents[Name]): void {
    // Without a listener, an EventEmitter throws an `error` event. The caller gets the error anyway.
    if (name !== 'error' || this.listenerCount(name) > 0) EventEmitter.prototype.emit.call(this, name, event)
  }
}

const OPTIONS: OptionNames<SessStoreOptions> = {
  store: true,
  idleTimeout: true,
  absoluteTimeout: true,
  touchAfter: true,
  onGone: true,
  onUnloaded: true,
  maxDepth: true,
  legacy: true,
  seal: true,
  onConflict: true,
  storeTimeout: true,
  sweepEvery: true,
  clock: true,
  log: true,
}

/** Options of other stores, which have no effect or another effect here. */
const HINTS: Readonly<Record<string, string>> = {
  ...hintsOf('connect-pg-simple', [
    'pool',
    'pgPromise',
    'conString',
    'conObject',
    'tableName',
    'schemaName',
    'createTableIfMissing',
    'errorLog',
    'pruneSessionInterval',
    'pruneSessionRandomizedInterval',
  ]),
  ...hintsOf('connect-redis', ['client', 'prefix', 'disableTTL', 'serializer', 'scanCount']),
  ...hintsOf('connect-redis and connect-pg-simple', ['ttl', 'disableTouch'], 'connect-redis'),
}

function hintsOf(library: string, options: readonly string[], page = library): Record<string, string> {
  return Object.fromEntries(
    options.map((name) => [name, `it is an option of ${library}; see docs/migrating-from-${page}.md`]),
  )
}

function checked(options: SessStoreOptions): SessStoreOptions {
  if (options === undefined)
    throw new SessError('invalid_option', 'options are needed, as in new SessStore({ store: redisStore(client) })')
  checkOptions(options, 'SessStore', OPTIONS, HINTS)
  const { legacy } = options
  if (legacy !== undefined && !(typeof legacy?.get === 'function' && typeof legacy.destroy === 'function'))
    throw new SessError(
      'invalid_option',
      'legacy must be a store of express-session, with the methods get() and destroy()',
    )
  return options
}

/** Checks that an option has one of some values. @throws {SessError} `invalid_option`. */
function oneOf<T extends string>(option: string, value: T, values: readonly T[]): T {
  if (values.includes(value)) return value
  throw new SessError('invalid_option', `${option} must be ${values.map((each) => `'${each}'`).join(' or ')}`)
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
