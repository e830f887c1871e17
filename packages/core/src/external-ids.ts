import { hash } from 'node:crypto'
import type { Duration } from './duration.ts'
import type { SessionsEvents } from './session-events.ts'
import { DEEPEST_DATA, type DecodedRecord } from './codec.ts'
import { Context } from './context.ts'
import type { Plain } from './data.ts'
import { milliseconds } from './duration.ts'
import { LONGEST_TEXT } from './envelope.ts'
import { SessError } from './error.ts'
import { LiveExternalIdSession, type ExternalIdSession } from './external-id-session.ts'
import { jsonOf } from './json.ts'
import { checkOptions, invalid, type OptionNames } from './option-check.ts'
import type { BaseOptions } from './options.ts'
import { sum } from './pages.ts'
import { endSealed } from './sealed-end.ts'
import { settingsOf, type Terms } from './settings.ts'
import type { SessionKey, SessionRecord } from './store.ts'
import { Sweeper } from './sweeper.ts'
import { handleOf, parseHandle } from './token.ts'

export type { ExternalIdSession } from './external-id-session.ts'

/** Options of {@link externalIdSessions}. Options with the name of one of `createSessions` have the same meaning. */
export interface ExternalIdOptions extends Pick<
  BaseOptions,
  'store' | 'touchAfter' | 'seal' | 'onConflict' | 'storeTimeout' | 'sweepEvery' | 'clock' | 'log'
> {
  /**
   * The name of the library that makes the IDs, for example `@sess/express-session`: 1 to 256 characters. Equal IDs of two domains
   * are different sessions. Each record is stored with its domain.
   */
  readonly domain: string
  /** A session ends after this time without use, if `lifeOf` gives no `idleTimeout`. Default: `'1d'`. */
  readonly idleTimeout?: Duration
  /** A session ends after this time, however much it is used. Default: no limit. */
  readonly absoluteTimeout?: Duration
  /**
   * Called at every write: returns how long a session with this data lives. `idleTimeout`: in ms, 0 for no idle timeout; `until`:
   * the latest end, in ms since the epoch. If this time has passed, the session is deleted.
   */
  readonly lifeOf: (data: Readonly<Plain>) => { readonly idleTimeout?: number; readonly until?: number }
  /** How many levels data may be nested, up to 1000; deeper data is refused as `unserializable`. Default: 500. */
  readonly maxDepth?: number
}

/** Sessions whose IDs another library makes. They have no secret; the store keeps them under a hash of the ID. */
export interface ExternalIdSessions {
  /** Loads a session; undefined if no session is stored under the ID. @throws {SessError} As `Sessions.load`. */
  load(id: string): Promise<ExternalIdSession | undefined>
  /** Makes a session object for a session that was never stored. */
  start(id: string): ExternalIdSession
  /**
   * Deletes a session, whatever it holds.
   *
   * @param options - `sealed`: leaves a marker, so that for a minute no session can be created under the ID. For IDs that another
   *   store may still hold.
   */
  end(id: string, options?: { readonly sealed?: boolean }): Promise<void>
  /** Ends a session by its handle. @returns False if there was no such session. */
  revoke(handle: string): Promise<boolean>
  /** Lists all live sessions of the domain. @throws {SessError} `unsupported` if the store cannot list all its records. */
  all(): AsyncIterable<ExternalIdSession>
  /** Counts the live records of the store, in all domains. @throws {SessError} `unsupported` if the store cannot count. */
  count(): Promise<number>
  /** Ends all sessions of the domain. @throws {SessError} `unsupported`, as {@link all}. */
  clear(): Promise<void>
  /** Ends the timers (see `sweepEvery`), as `Sessions.close` does. */
  close(): Promise<void>
  /** Calls `listener` at each event of a name. @returns A function that stops listening. */
  on<Name extends keyof SessionsEvents>(name: Name, listener: (event: SessionsEvents[Name]) => void): () => void
}

/** The longest duration, in ms: some 317 years. */
const ENDLESS_MS = 1e13
const DAY_MS = 86_400_000

const NAMES: OptionNames<ExternalIdOptions> = {
  store: true,
  domain: true,
  idleTimeout: true,
  absoluteTimeout: true,
  touchAfter: true,
  lifeOf: true,
  maxDepth: true,
  seal: true,
  onConflict: true,
  storeTimeout: true,
  sweepEvery: true,
  clock: true,
  log: true,
}

/**
 * Makes sessions for an adapter to a session library that makes the IDs itself.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function externalIdSessions(options: ExternalIdOptions): ExternalIdSessions {
  checkOptions(options, 'externalIdSessions()', NAMES)
  const { domain, lifeOf, maxDepth = 500, ...rest } = options
  if (typeof domain !== 'string' || domain === '' || domain.length > LONGEST_TEXT)
    throw invalid('domain', `must be text of 1 to ${LONGEST_TEXT} characters that says who makes the IDs`)
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > DEEPEST_DATA)
    throw invalid('maxDepth', `must be a whole number from 1 to ${DEEPEST_DATA}`)
  const absoluteTimeout = milliseconds(options.absoluteTimeout ?? ENDLESS_MS, 'absoluteTimeout')
  const { idleTimeout: forgotten = `${Math.min(DAY_MS, absoluteTimeout)}ms` } = options
  // These sessions have no subject, so the pepper is never used.
  const settings = settingsOf({
    ...rest,
    absoluteTimeout: `${absoluteTimeout}ms`,
    idleTimeout: forgotten,
    pepper: domain.padEnd(16),
    serializer: jsonOf(maxDepth, DEEPEST_DATA),
  })
  const termsOf = (data: Plain, before: Terms): Terms | undefined => {
    const { createdAt } = before
    const { idleTimeout = settings.idleTimeout, until = Infinity } = lifeOf(data)
    const absoluteAt = Math.min(createdAt + settings.absoluteTimeout, until)
    const same = idleTimeout === before.idleTimeout && absoluteAt === before.absoluteAt
    return same ? undefined : { createdAt, idleTimeout, absoluteAt }
  }
  const context = new Context({ ...settings, termsOf })
  return new LiveExternalIdSessions(context, domain)
}

class LiveExternalIdSessions implements ExternalIdSessions {
  readonly #context: Context
  readonly #domain: string
  readonly #sweeper: Sweeper
  readonly on: ExternalIdSessions['on']

  constructor(context: Context, domain: string) {
    this.#context = context
    this.#domain = domain
    this.#sweeper = new Sweeper(context)
    this.on = context.events.on.bind(context.events)
  }

  load(id: string): Promise<ExternalIdSession | undefined> {
    return this.#open(this.#keyOf(id))
  }

  start(id: string): ExternalIdSession {
    return new LiveExternalIdSession(this.#context, this.#domain, this.#keyOf(id))
  }

  async end(id: string, { sealed = false }: { readonly sealed?: boolean } = {}): Promise<void> {
    const key = this.#keyOf(id)
    if (sealed) await endSealed(this.#context, key)
    else if (!(await this.#delete(key, 'delete'))) return
    this.#context.events.emit('logout', { handle: handleOf(key) })
  }

  close(): Promise<void> {
    return this.#sweeper.close()
  }

  async revoke(handle: string): Promise<boolean> {
    const key = parseHandle(handle)
    const went = key !== undefined && (await this.#delete(key, 'revoke'))
    if (went) this.#context.events.emit('revoked', { handle })
    return went
  }

  async *all(): AsyncIterable<ExternalIdSession> {
    const { settings } = this.#context
    for await (const [key, record] of this.#records()) {
      const held = this.#context.opened(key, record, settings.clock())
      if (held?.envelope.label !== this.#domain) continue
      const session = this.#sessionOf(key, held)
      if (session) yield session
    }
  }

  async count(): Promise<number> {
    const { calls, settings } = this.#context
    if (!settings.store.count) throw unsupported(`the ${settings.store.name} store cannot count`)
    return sum(calls.askInPages('count', (now) => settings.store.count!(now)))
  }

  async clear(): Promise<void> {
    for await (const { handle } of this.all()) await this.#delete(parseHandle(handle)!, 'clear')
  }

  async #open(key: SessionKey): Promise<ExternalIdSession | undefined> {
    const held = await this.#context.read(key, false)
    return held && this.#sessionOf(key, held)
  }

  #sessionOf(key: SessionKey, held: DecodedRecord): ExternalIdSession | undefined {
    // A record with a digest belongs to a session with a secret, which only its cookie may open.
    if (held.envelope.marker || held.envelope.digest !== '') return undefined
    return new LiveExternalIdSession(this.#context, this.#domain, key, held)
  }

  async #delete(key: SessionKey, operation: string): Promise<boolean> {
    const { calls, settings } = this.#context
    return calls.tell(operation, key, (now) => settings.store.delete(key, now), 2)
  }

  #records(): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { calls, settings } = this.#context
    const { store } = settings
    if (!store.all) throw unsupported(`the ${store.name} store cannot list all sessions`)
    return calls.askInPages('all', (now) => store.all!(now))
  }

  /** The tag is a part of the hash too, since there is no subject whose sessions would share it. */
  #keyOf(id: string): SessionKey {
    const digest = hash('sha256', `${this.#domain}\0${id}`, 'base64url')
    return { tag: digest.slice(0, 12), id: digest.slice(12, 28) }
  }
}

function unsupported(what: string): SessError {
  return new SessError('unsupported', what)
}
