import type {
  Duration,
  LoginOptions,
  Outcome,
  OutcomeStatus,
  RegenerateOptions,
  Session,
  SessionsEvents,
} from './api.ts'
import { namesOf, NO_CONTENT, type Content, type Held } from './codec.ts'
import type { Context } from './context.ts'
import { changed, changedKeys, changesBetween, copy, equal, get, isPlain, keysOf, put, type Plain } from './data.ts'
import { milliseconds } from './duration.ts'
import { isSessError, SessError } from './error.ts'
import { flashAfter, messagesOf, type FlashStep } from './flash.ts'
import { checkJson } from './json.ts'
import { signIn, signInOf } from './login.ts'
import { settleConflicts } from './merge.ts'
import { checkOptions, invalid } from './option-check.ts'
import { Operation } from './operation.ts'
import { KNOWN_FOR, type Verdict } from './secrets.ts'
import type { CloseCookieOptions, CookieChange, SessionBinding, SessionFailure } from './session-binding.ts'
import { expiryOf, Stored, type Write } from './stored.ts'
import { handleOf, newSecret, newWriteId } from './token.ts'

/** A write, and what of the user's doings it carries. */
interface Pending {
  readonly write: Write
  /** The user's data when the write began. */
  readonly sent: Plain
  readonly flashSteps: number
  readonly assigned: object | undefined
}

/** Errors of operations that came to nothing before they looked at what was to be written. */
const TRIED_NOTHING = ['invalid_option', 'response_started', 'session_destroyed'] as const

/** A function given to `update`. */
type Change = (data: Plain) => unknown

/** A session during one request: how each operation is made of writes. An application holds a view of it. */
export class LiveSession implements Session<Plain>, SessionBinding {
  readonly #context: Context
  readonly #stored: Stored
  /** Data as loaded or last written; `#data` is made of it when it is first asked for. */
  #base: Plain
  #data: Plain | undefined
  /** Why the stored data cannot be read: it does not fit the schema. `#base` is empty then. */
  #unfit: SessError | undefined
  /** Stands for the last assignment of all data, until it was written. */
  #assigned: object | undefined
  /** The stored content that `#base` was made of. */
  #seen: Content = NO_CONTENT
  #flashSteps: FlashStep[] = []
  #unsettled: Pending | undefined
  #startedAt: number
  #removed = false
  #cookieClosed = false
  #used = false
  #others: readonly Held[] = []
  /** The response's head left as one that a shared cache may store. */
  #shared = false
  /** A binding commits at the end of the request. */
  #bound = false
  #last: Promise<unknown> | undefined
  #running = 0
  #failure: { readonly error: unknown; readonly data: Plain | undefined; readonly flashSteps: number } | undefined
  /** Operations, commits apart, that run or failed. */
  #operations: Operation<unknown>[] = []

  /** A new session. */
  constructor(context: Context, blank: Plain) {
    this.#context = context
    this.#stored = new Stored(context)
    this.#base = blank
    this.#startedAt = context.settings.clock()
  }

  /** The session of a record and the secret that opened it. */
  static of<C extends Context, S extends LiveSession>(
    this: new (context: C, blank: Plain) => S,
    context: C,
    mode: Exclude<Verdict, 'mismatched'>,
    digest: string,
    held: Held,
    data: Plain | SessError,
  ): S {
    const unfit = data instanceof SessError
    const session = new this(context, unfit ? {} : data)
    if (unfit) session.#unfit = data
    Object.assign(session.#stored, { mode, digest, held })
    if (mode !== 'superseded') session.#seen = held.content
    return session
  }

  /** Names further sessions that the request's cookies open: what ends this one ends them. */
  endsAlso(others: readonly Held[]): void {
    this.#others = others
  }

  /** True if the session was loaded by these sessions, and not by others on another store. */
  isOf(context: Context): boolean {
    return this.#context === context
  }

  /** The session as its binding needs it. */
  get binding(): SessionBinding {
    this.#bound = true
    return this
  }

  get used(): boolean {
    return this.#used
  }

  /** Notes that the application looked at the session, or did something with it. */
  markUsed(): void {
    if (this.#used) return
    this.#used = true
    if (this.#shared) this.report('uncacheable_late', this.handle === undefined ? {} : { handle: this.handle })
  }

  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void {
    this.#context.events.emit(name, event)
  }

  get data(): Plain {
    this.#refuseDestroyed()
    if (this.#unfit && !this.#data) throw this.#unfit
    return (this.#data ??= copy(this.#base))
  }

  set data(value: Plain) {
    if (!isPlain(value)) throw invalid('session.data', 'takes a plain object, whose keys replace all others')
    this.#refuseDestroyed()
    const data = (this.#data ??= copy(this.#base))
    const next = { ...value }
    this.#assigned = {}
    for (const key of keysOf(data, next)) put(data, key, get(next, key))
  }

  get handle(): string | undefined {
    const { live } = this.#stored
    return live && handleOf(live.key)
  }

  get status(): Session['status'] {
    const { mode, live } = this.#stored
    return live ? 'active' : mode === 'new' || mode === 'superseded' ? mode : 'destroyed'
  }

  get subject(): string | undefined {
    return this.#stored.live?.record.subject
  }

  get createdAt(): number {
    return this.#stored.live?.envelope.createdAt ?? this.#startedAt
  }

  get authenticatedAt(): number | undefined {
    return this.#stored.live?.envelope.authenticatedAt || undefined
  }

  get expiresAt(): number {
    const { idleTimeout, absoluteTimeout } = this.#context.settings
    return (
      this.#stored.live?.record.expiresAt ?? expiryOf(idleTimeout, this.#startedAt + absoluteTimeout, this.#startedAt)
    )
  }

  get cookieChange(): CookieChange | undefined {
    const { issued, held } = this.#stored
    if (issued === undefined) return this.#removed ? { action: 'remove' } : undefined
    const { persistent, absoluteAt } = held!.envelope
    const maxAgeMs = Math.max(0, absoluteAt - this.#context.settings.clock())
    return { action: 'set', value: issued, ...(persistent && { maxAgeMs }) }
  }

  get needsCommit(): boolean {
    if (!this.#used) return false
    return (
      this.#running > 0 ||
      this.#operations.some(unheard) ||
      this.#unsettled !== undefined ||
      this.#flashSteps.length > 0 ||
      this.#stored.touchedUntil !== undefined ||
      (this.#data !== undefined && changedKeys(this.#base, this.#data).length > 0) ||
      this.#dropped(this.#data).length > 0
    )
  }

  get failure(): SessionFailure | undefined {
    if (!this.#failure) return undefined
    const { error, data, flashSteps } = this.#failure
    const changed =
      this.#flashSteps.length > flashSteps ||
      (this.#data !== undefined && changedKeys(data ?? this.#base, this.#data).length > 0)
    return { error, heard: !this.#operations.some(unheard), changed }
  }

  commit(): Promise<Outcome> {
    if (!this.#used) return Promise.resolve({ status: this.#stored.idle })
    // Whoever hears of an operation from now on hears of it too late: the answer is being given.
    const operations = this.#operations.filter((operation) => !operation.heard)
    return this.#queued(async () => {
      for (const { over } of operations) await over
      const failed = operations.find((operation) => operation.failed)
      this.#operations = this.#operations.filter((operation) => !operations.includes(operation))
      if (failed) throw failed.error
      const settled = this.#unsettled && (await this.#apply(this.#unsettled, true))
      const changes = this.#changes()
      if (changes.size || this.#flashSteps.length) return await this.#write(await this.#pending(changes))
      return settled ?? (await this.#stored.touch())
    })
  }

  update(change: (data: Plain) => void): Promise<Outcome> {
    return this.#exclusively(async () => {
      if (typeof change !== 'function') throw invalid('update', 'takes a function that changes the data it is given')
      if (isAsync(change)) throw waits()
      if (this.#unsettled) {
        // Not settled but made anew, as the caller asks; what landed of the earlier write is taken over.
        const { write } = this.#unsettled
        if ((await this.#stored.lookFor({ ...write, doubtful: [] })) === 'replaced') await this.#follow(this.#unsettled)
        this.#unsettled = undefined
      }
      const status = await this.#write(await this.#pending(this.#changes(), change))
      return status === 'unchanged' ? this.#stored.touch() : status
    })
  }

  regenerate(options: RegenerateOptions = {}): Promise<Outcome> {
    return this.#exclusively(async () => {
      checkOptions(options, 'regenerate()', { keepOldFor: true })
      const { keepOldFor } = options
      const keepFor = keepOldFor === undefined ? 0 : milliseconds(keepOldFor, 'keepOldFor', { zero: true })
      if (keepFor > KNOWN_FOR) throw invalid('keepOldFor', 'must be at most 60s')
      if (this.#stored.mode !== 'current') return this.#stored.idle
      this.#needCookie('regenerate()')
      const pending = await this.#pending()
      const status = await this.#apply({
        ...pending,
        write: { ...pending.write, rotation: { secret: newSecret(), keepFor } },
      })
      if (status === 'saved') this.#context.events.emit('rotated', this.#stored.names)
      return status
    })
  }

  login(subject: string, options: LoginOptions = {}): Promise<Outcome> {
    return this.#exclusively(async () => {
      const tag = this.#context.tags(subject)[0]!
      const terms = signInOf(options, this.#context.settings)
      this.#needCookie('login()')
      const previous = this.handle
      const pending = this.#carrying(await this.#pending())
      const status = await signIn(this.#stored, subject, tag, terms, pending.write)
      await this.#follow(pending)
      const { names } = this.#stored
      this.#context.events.emit('login', {
        ...names,
        subject,
        ...(previous && previous !== names.handle && { previous }),
      })
      return status
    })
  }

  logout(): Promise<void> {
    return this.#ending(async () => {
      const mode = await this.#end()
      this.#stored.mode = mode === 'current' ? 'new' : mode === 'kept' ? 'superseded' : mode
      this.#startedAt = this.#context.settings.clock()
      this.#assigned = undefined
      if (mode !== 'destroyed') this.#rebase(await this.#context.blank(), NO_CONTENT, this.#data ?? {})
      return 'gone'
    })
  }

  destroy(): Promise<void> {
    return this.#ending(async () => {
      await this.#end()
      this.#stored.mode = 'destroyed'
      return 'gone'
    })
  }

  flash(name: string, message: unknown): void {
    this.#refuseDestroyed()
    const left = copy(message)
    checkJson(left, `flash(${JSON.stringify(name)})`)
    this.#flashSteps.push({ name, left })
  }

  flashed(name: string): unknown[] {
    this.#refuseDestroyed()
    const messages = messagesOf(flashAfter(this.#seen.flash, this.#flashSteps), name)
    if (messages.length) this.#flashSteps.push({ name, taken: copy(messages) })
    return messages
  }

  requireFresh(maxAge: Duration): void {
    this.#refuseDestroyed()
    const since = this.#context.settings.clock() - milliseconds(maxAge, 'maxAge')
    if (this.subject === undefined || (this.authenticatedAt ?? 0) < since)
      throw new SessError('not_fresh', `nobody signed in within ${maxAge}; ask for the password, then call login()`)
  }

  closeCookie({ shared = false }: CloseCookieOptions = {}): void {
    this.#cookieClosed = true
    this.#shared ||= shared && !this.#used
  }

  /** Runs an operation after those before it. If it fails and nobody awaits it, the next commit fails. */
  #exclusively(operation: () => Promise<OutcomeStatus>): Promise<Outcome> {
    return this.#watched(this.#queued(operation))
  }

  #watched<T>(running: Promise<T>): Promise<T> {
    const operation = new Operation(running, () => this.#bound)
    this.#operations = [...this.#operations.filter(({ done }) => !done), operation]
    return operation
  }

  /** Runs the session's operations one after the other. */
  #queued(operation: () => Promise<OutcomeStatus>): Promise<Outcome> {
    return (this.#last = this.#after(this.#last, operation))
  }

  async #after(before: Promise<unknown> | undefined, operation: () => Promise<OutcomeStatus>): Promise<Outcome> {
    this.#running++
    try {
      await before
    } catch {
      // Told to who began it.
    }
    try {
      const status = await operation()
      this.#failure = undefined
      const { issued } = this.#stored
      return issued === undefined ? { status } : { status, cookieValue: issued }
    } catch (error) {
      if (isSessError(error) && !isSessError(error, ...TRIED_NOTHING))
        this.#failure = { error, data: this.#data && copy(this.#data), flashSteps: this.#flashSteps.length }
      throw error
    } finally {
      this.#running--
    }
  }

  #refuseDestroyed(): void {
    if (this.#stored.mode === 'destroyed')
      throw new SessError(
        'session_destroyed',
        'destroy() is final; login() starts anew, and logout() would have gone on',
      )
  }

  #needCookie(what: string): void {
    if (this.#cookieClosed)
      throw new SessError(
        'response_started',
        `${what} must set a cookie, and the response has started; do it earlier. Nothing was written`,
      )
  }

  #changes(): Map<string, unknown> {
    return this.#data ? this.#changesTo(this.#data) : new Map<string, unknown>()
  }

  #changesTo(data: Plain): Map<string, unknown> {
    const changes = changesBetween(this.#base, data)
    for (const key of this.#dropped(data)) changes.set(key, undefined)
    return changes
  }

  /** The stored keys that an assignment of all data takes out, those included that the schema hides. */
  #dropped(data: Plain | undefined): string[] {
    return data && this.#assigned ? Object.keys(this.#seen.data).filter((key) => !Object.hasOwn(data, key)) : []
  }

  /** A login's write: data of an anonymous session that does not fit the schema stays behind, and an event says so. */
  #carrying(pending: Pending): Pending {
    const { held } = this.#stored
    const { settings } = this.#context
    if (!held || held.record.subject !== undefined || this.#assigned || !(settings.schema || settings.migrate))
      return pending
    const compose = async (stored: Content): Promise<Content> => {
      const unfit = stored !== NO_CONTENT && (await this.#context.fit({ ...held, content: stored }, 'login'))
      return pending.write.compose(unfit instanceof SessError ? { data: {}, flash: stored.flash } : stored)
    }
    return { ...pending, write: { ...pending.write, compose } }
  }

  /** The user's changes as a write. @throws {SessError} `invalid_data`. */
  #pending(changes: Map<string, unknown> = this.#changes(), change?: Change): Pending | Promise<Pending> {
    return changes.size && this.#context.settings.schema
      ? this.#context.shaped(this.#data!).then((shaped) => this.#pendingOf(this.#changesTo(shaped), change))
      : this.#pendingOf(changes, change)
  }

  #pendingOf(mine: Map<string, unknown>, change: Change | undefined): Pending {
    const steps = [...this.#flashSteps]
    let seen = this.#seen
    const assigned = this.#assigned
    const compose = (stored: Content): Content | Promise<Content> => {
      if (stored !== seen) settleConflicts(this.#context, this.#stored.names, mine, seen, stored)
      seen = stored
      const { unmigrated } = stored
      const content = {
        data: changed(stored.data, mine),
        flash: flashAfter(stored.flash, steps),
        ...(unmigrated && !assigned && { unmigrated }),
      }
      return change ? this.#changedBy(change, content, mine.size || steps.length ? content : stored) : content
    }
    const sent = this.#data ? copy(this.#data) : this.#base
    return { write: { id: newWriteId(), compose, doubtful: [] }, sent, flashSteps: steps.length, assigned }
  }

  /** Content as a function leaves it. @param otherwise - What there is if it changes nothing. */
  async #changedBy(change: Change, stored: Content, otherwise: Content): Promise<Content> {
    const { data, flash } = stored
    const draft = await this.#context.dataOf(stored)
    const before = copy(draft)
    if (isPromise(change(draft))) throw waits()
    const changes = changesBetween(before, this.#context.settings.schema ? await this.#context.shaped(draft) : draft)
    return changes.size ? { data: changed(data, changes), flash } : otherwise
  }

  #write(pending: Pending): Promise<OutcomeStatus> {
    return this.#stored.live ? this.#apply(pending) : this.#create(pending)
  }

  async #create(pending: Pending): Promise<OutcomeStatus> {
    const stored = this.#stored
    if (stored.mode !== 'new') return stored.idle
    const content = await pending.write.compose(NO_CONTENT)
    if (equal(content, NO_CONTENT)) return 'unchanged'
    this.#needCookie('a new session')
    await stored.create(pending.write, content)
    await this.#follow(pending)
    return 'created'
  }

  async #apply(pending: Pending, doubted = false): Promise<OutcomeStatus> {
    const { write } = pending
    this.#unsettled = undefined
    try {
      const applied = await this.#stored.apply(write, doubted)
      if (applied === 'replaced') await this.#follow(pending)
      return applied === 'replaced' ? 'saved' : applied === 'kept' ? 'unchanged' : applied
    } catch (error) {
      if (write.lost) await this.#follow(pending)
      else if (write.doubtful.length) this.#unsettled = pending
      throw error
    }
  }

  /** Takes over what a write left in the store. What the user changed since it began stays pending. */
  #follow({ sent, flashSteps, assigned }: Pending): Promise<void> | undefined {
    if (this.#assigned === assigned) this.#assigned = undefined
    this.#flashSteps.splice(0, flashSteps)
    const { live } = this.#stored
    if (!live) return void (this.#base = sent)
    const { content } = live
    this.#removed = false
    this.#unsettled = undefined
    if (this.#context.settings.schema || content.unmigrated)
      return this.#context.fit(live, 'commit').then((data) => {
        // What the user has at hand stays readable, as it was sent.
        if (!(data instanceof SessError)) this.#rebase(data, content, sent)
        else if (this.#data) this.#rebase(sent, content, sent)
        else this.#rebase({}, content, sent, data)
      })
    this.#rebase(content.data, content, sent)
    return undefined
  }

  /** Gives the user's object a new base: keys that are as they were sent follow it. */
  #rebase(base: Plain, seen: Content, sent: Plain, unfit?: SessError): void {
    this.#unfit = unfit
    this.#base = base
    this.#seen = seen
    const data = this.#data
    for (const key of data ? keysOf(base, data) : []) {
      const mine = get(data!, key)
      if (equal(mine, get(sent, key)) && (mine === undefined || !equal(mine, get(base, key))))
        put(data!, key, copy(get(base, key)))
    }
  }

  #ending(operation: () => Promise<OutcomeStatus>): Promise<void> {
    return this.#watched(this.#queued(operation).then(() => {}))
  }

  async #end(): Promise<Stored['mode']> {
    const { mode } = this.#stored
    // First: if one of them cannot be ended, this session is still there for another try.
    const { calls, events, settings } = this.#context
    for (const other of this.#others) {
      await calls.tell('delete', other.key, (at) => settings.store.delete(other.key, at), 2)
      events.emit('logout', namesOf(other))
    }
    this.#others = []
    if ((await this.#stored.end()) && !this.#cookieClosed) this.#removed = true
    this.#unsettled = undefined
    this.#flashSteps = []
    return mode
  }
}

function waits(): SessError {
  return invalid('update', 'takes a function that does not wait: it may run again. Await before it')
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

function isAsync(change: Change): boolean {
  return /^\[object (?:Async|Generator)/.test(Object.prototype.toString.call(change))
}

function unheard(operation: Operation<unknown>): boolean {
  return operation.failed && !operation.heard
}
