import type { RevokeOptions, Session, SessionInfo, Sessions, SignalOptions } from './api.ts'
import { namesOf, unpack, type DecodedRecord } from './codec.ts'
import { Context } from './context.ts'
import { recordsOfCookies, type Found } from './cookie-records.ts'
import type { Plain } from './data.ts'
import { SessError } from './error.ts'
import { invalid } from './option-check.ts'
import type { AnyOptions, BaseOptions, SessionsOptions } from './options.ts'
import { sum } from './pages.ts'
import { ownerOf, recordAt, sparedBy, type RevokeSubjectOptions } from './revocations.ts'
import type { DataSchema } from './schema.ts'
import { judge, type Verdict } from './secrets.ts'
import type { SerializerOption } from './serializer.ts'
import { BINDING, type SessionsBinding } from './session-binding.ts'
import { LiveSession } from './session.ts'
import { liveOf, viewOf } from './session-view.ts'
import { settingsOf } from './settings.ts'
import { Signals } from './signals.ts'
import { Sweeper } from './sweeper.ts'
import { digestOf, handleOf, parseHandle, parseToken, type Token } from './token.ts'

/**
 * Makes the sessions of one application: its store, lifetimes and rules.
 *
 * With a `schema`, `session.data` is the output of the schema for the stored data.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSessions<Output extends object>(
  options: BaseOptions & SerializerOption<Output> & { readonly schema: DataSchema<Output> },
): Sessions<Output>
/**
 * Makes the sessions of one application: its store, lifetimes and rules.
 *
 * `Data` is the type of `session.data`, whose keys are all optional: a new session has none.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions<Data>,
): Sessions<Partial<Data>>
export function createSessions(options: AnyOptions): Sessions<never> {
  return new LiveSessions(new Context(settingsOf(options))) as Sessions<object> as Sessions<never>
}

/** All sessions of one application, over its store. */
export class LiveSessions implements Sessions<Plain> {
  readonly #context: Context
  readonly #signals: Signals
  readonly #sweeper: Sweeper
  readonly on: Sessions['on']
  readonly once: Sessions['once']

  constructor(context: Context) {
    this.#context = context
    this.#signals = new Signals(context)
    this.#sweeper = new Sweeper(context)
    this.on = context.events.on.bind(context.events)
    this.once = context.events.once.bind(context.events)
    const binding: SessionsBinding = {
      load: (values) => this.loadOneOf(values.length < 2 ? values : [...new Set(values)]),
      report: context.events.emit.bind(context.events),
      ...(!context.settings.schema && { begin: () => this.begin() }),
    }
    Object.defineProperty(this, BINDING, { value: Object.freeze(binding) })
  }

  async load(cookieValue: string | undefined): Promise<Session<Plain>> {
    const context = this.#context
    const { events } = context
    if (cookieValue) {
      const token = parseToken(cookieValue)
      const held = token && (await context.read(token.key, false))
      if (token && held) {
        const opened = this.#opened(token, held)
        return viewOf(opened instanceof Promise ? await opened : opened)
      }
      if (!token) events.emit('rejected', { reason: 'malformed' })
    }
    return viewOf(new LiveSession(context, await context.blank()))
  }

  /** Makes a new session, if no schema makes its data. */
  protected begin(): Session<Plain> {
    return viewOf(new LiveSession(this.#context, {}))
  }

  /** Opens the session of a record with the secret of a cookie. It returns a promise only if it has to wait. */
  #opened(token: Token, held: DecodedRecord): LiveSession | Promise<LiveSession> {
    const context = this.#context
    const { events, settings } = context
    const { envelope, content } = held
    const digest = digestOf(token.secret)
    const verdict = judge(envelope, digest, settings.clock())
    if (verdict === 'mismatched' || verdict === 'superseded') {
      if (verdict === 'superseded') context.checkTag(held)
      events.emit('rejected', { reason: verdict, ...namesOf(held) })
      const opened = verdict === 'superseded' ? { verdict, digest, held } : undefined
      return context.blank().then((blank) => new LiveSession(context, blank, opened))
    }
    context.checkTag(held)
    const opened = { verdict, digest, held }
    return settings.schema || content.unmigrated
      ? context.fit(held, 'load').then((data) => new LiveSession(context, data, opened))
      : new LiveSession(context, content.data, opened)
  }

  /** Loads the session of distinct cookie values: see {@link SessionsBinding.load}. */
  protected loadOneOf(values: readonly string[]): Promise<Session<Plain>> {
    return values.length < 2 ? this.load(values[0]) : this.#loadFirstOf(values)
  }

  async #loadFirstOf(values: readonly string[]): Promise<Session<Plain>> {
    const { events, settings } = this.#context
    const found = await recordsOfCookies(this.#context, values)
    const verdictOf = ({ token, held }: Found): Verdict =>
      judge(held.envelope, digestOf(token.secret), settings.clock())
    const first =
      found.find((each) => ['current', 'kept'].includes(verdictOf(each))) ??
      found.find((each) => verdictOf(each) === 'superseded')
    events.emit('duplicate_cookies', { count: values.length, ...(first && { handle: handleOf(first.held.key) }) })
    const others: DecodedRecord[] = []
    for (const each of found) {
      const verdict = verdictOf(each)
      if (each === first) continue
      if (verdict === 'superseded' || verdict === 'mismatched')
        events.emit('rejected', { reason: verdict, ...namesOf(each.held) })
      else if (verdict === 'current' && each.held !== first?.held) others.push(each.held)
    }
    if (!first) return viewOf(new LiveSession(this.#context, await this.#context.blank()))
    const session = await this.#opened(first.token, first.held)
    session.endsAlso(others)
    return viewOf(session)
  }

  async *listSubject(subject: string): AsyncIterable<SessionInfo> {
    const { events, settings } = this.#context
    if (!settings.store.list) throw this.#unsupported('list')
    for await (const [key, record] of this.#context.recordsOf(subject, 'listSubject')) {
      const handle = handleOf(key)
      const held = unpack(settings, key, record)
      if (!held) events.emit('rejected', { reason: 'undecodable', handle, subject })
      if (!held || held.envelope.marker || this.#context.isOver(held.envelope, settings.clock())) continue
      const { label, client, createdAt, authenticatedAt, idleTimeout, persistent } = held.envelope
      const { expiresAt } = record
      yield {
        handle,
        label: label || undefined,
        client,
        createdAt,
        authenticatedAt: authenticatedAt || undefined,
        expiresAt,
        lastSeenAt: idleTimeout ? expiresAt - idleTimeout : undefined,
        persistent,
      }
    }
  }

  async revoke(handle: string, options: RevokeOptions): Promise<boolean> {
    const { calls, events, settings } = this.#context
    const subject = ownerOf(this.#context, options)
    const key = parseHandle(handle)
    if (!key) return false
    if (subject !== undefined && (await recordAt(this.#context, key))?.subject !== subject) return false
    const went = await calls.tell('revoke', key, (now) => settings.store.delete(key, now), 2)
    if (went) events.emit('revoked', { handle, ...(subject && { subject }) })
    return went
  }

  async revokeSubject(subject: string, options: RevokeSubjectOptions = {}): Promise<number | undefined> {
    const { calls, events, settings } = this.#context
    const { store } = settings
    if (!store.deleteSubject) throw this.#unsupported('revoke')
    const tags = this.#context.tags(subject)
    const spared = await sparedBy(this.#context, subject, options)
    const pages = calls.tellInPages('revokeSubject', async function* (now) {
      for (const tag of tags) yield* store.deleteSubject!({ id: subject, tag }, now, spared)
    })
    const count = await sum(pages)
    events.emit('revoked', { subject, ...(count !== undefined && { count }) })
    return count
  }

  signal(session: Session<Plain>, options?: SignalOptions): AbortSignal {
    const live = liveOf(session)
    if (!live?.isOf(this.#context))
      throw invalid('session', 'of signal() must be a session that load() of these sessions returned')
    live.markUsed()
    return this.#signals.signal(live, options)
  }

  async count(): Promise<number> {
    const { calls, settings } = this.#context
    if (!settings.store.count) throw this.#unsupported('count')
    return sum(calls.askInPages('count', (now) => settings.store.count!(now)))
  }

  async sweep(): Promise<number> {
    const { calls, settings } = this.#context
    if (!settings.store.sweep) return 0
    return sum(calls.tellInPages('sweep', (now) => settings.store.sweep!(now)))
  }

  close(): Promise<void> {
    this.#signals.close()
    return this.#sweeper.close()
  }

  #unsupported(what: string): SessError {
    const { store } = this.#context.settings
    return new SessError('unsupported', `the ${store.name} store cannot ${what}; choose one that can`)
  }
}
