import type { CookieChange, LoginOptions, Outcome, OutcomeStatus, RegenerateOptions, Session } from './api.ts'
import { isUnknown, mayRetry } from './calls.ts'
import type { Content, Draft, Flash } from './codec.ts'
import type { Context } from './context.ts'
import { changed, changesBetween, copy, equal, get, isPlain, put, type Plain } from './data.ts'
import { milliseconds } from './duration.ts'
import { MEMORY, type Envelope } from './envelope.ts'
import { SessError } from './error.ts'
import { flashAfter, messagesOf, type FlashStep } from './flash.ts'
import { signInOf, type SignIn } from './login.ts'
import { invalid } from './options.ts'
import { judge, KNOWN_FOR, rotatedAway, wasValidAtMarking } from './secrets.ts'
import type { SessionKey, SessionRecord } from './store.ts'
import { digestOf, handleOf, newKey, newSecret, newWriteId } from './token.ts'

/** A record as last read or written. */
export interface Held {
  readonly key: SessionKey
  readonly record: SessionRecord
  readonly envelope: Envelope
  readonly content: Content
}

/**
 * Where a session object stands:
 *
 * - `new`: nothing is stored.
 * - `current`, `kept`, `superseded`: as its secret was judged.
 * - `gone`: found deleted or expired.
 * - `destroyed`: by `destroy()`.
 */
export type Mode = 'new' | 'current' | 'kept' | 'superseded' | 'gone' | 'destroyed'

/** One logical write: applied once, whatever happens to its answers. */
interface Write {
  readonly id: string
  /** This request's changes by top-level key. A conflict may be resolved into another value. */
  readonly changes: Map<string, unknown>
  readonly flash: (stored: Flash) => Flash
  /** What `update` was given. */
  readonly change?: (data: Plain) => unknown
  readonly rotation?: Rotation
  /** The user's data when the write began. */
  readonly sent: Plain
  readonly flashSteps: number
  /** What the changes were last seen against. */
  seen: Content
  /** Revisions that tries without an answer would have made. */
  readonly doubtful: number[]
}

interface Rotation {
  readonly secret: string
  readonly keepFor: number
  readonly signIn?: SignIn
}

type Applied = 'replaced' | 'unchanged' | 'gone' | 'superseded' | 'kept'

const TRIES = 20
const NO_CONTENT: Content = { data: {}, flash: {} }

/** The semantics of a session. All of them are here, and the same on every store. */
export class LiveSession implements Session<Plain> {
  readonly #context: Context
  #mode: Mode = 'new'
  #held: Held | undefined
  #digest: Buffer | undefined
  /** Data as loaded or last written; `#data` is made of it when it is first asked for. */
  #base: Plain
  #data: Plain | undefined
  /** The stored content that `#base` was made of. */
  #seen: Content = NO_CONTENT
  #flashSteps: FlashStep[] = []
  #unsettled: Write | undefined
  #startedAt: number
  #issued: string | undefined
  #removed = false
  #cookieClosed = false
  #last: Promise<unknown> = Promise.resolve()

  /** A new session. */
  constructor(context: Context, blank: Plain) {
    this.#context = context
    this.#base = blank
    this.#startedAt = context.now()
  }

  /** The session of a record and the secret that opened it. */
  static of(context: Context, mode: Mode, digest: Buffer, held: Held, data: Plain): LiveSession {
    const session = new LiveSession(context, data)
    session.#mode = mode
    session.#digest = digest
    session.#held = held
    if (mode !== 'superseded') session.#seen = held.content
    return session
  }

  /** The key, where this request may act on the record. */
  static keyOf(session: unknown): SessionKey | undefined {
    return session instanceof LiveSession && session.#live ? session.#live.key : undefined
  }

  get data(): Plain {
    this.#refuseDestroyed('data')
    return (this.#data ??= copy(this.#base))
  }

  set data(value: Plain) {
    if (!isPlain(value)) throw invalid('session.data', 'takes a plain object, whose keys replace all that are there')
    const data = this.data
    const next = { ...value }
    for (const key of Object.keys(data)) delete data[key]
    for (const key of Object.keys(next)) put(data, key, next[key])
  }

  get handle(): string | undefined {
    return this.#live && handleOf(this.#live.key)
  }

  get status(): 'new' | 'active' | 'superseded' | 'destroyed' {
    if (this.#mode === 'gone') return 'destroyed'
    return this.#mode === 'current' || this.#mode === 'kept' ? 'active' : this.#mode
  }

  get subject(): string | undefined {
    return this.#live?.record.subject
  }

  get createdAt(): number {
    return this.#live?.envelope.createdAt ?? this.#startedAt
  }

  get authenticatedAt(): number | undefined {
    return this.#live?.envelope.authenticatedAt
  }

  get expiresAt(): number {
    if (this.#live) return this.#live.record.expiresAt
    const { idleTimeout, absoluteTimeout } = this.#context.settings
    return expiryOf(idleTimeout, this.#startedAt + absoluteTimeout, this.#startedAt)
  }

  get cookieChange(): CookieChange | undefined {
    if (this.#issued === undefined) return this.#removed ? { action: 'remove' } : undefined
    const { persistent, absoluteAt } = this.#held!.envelope
    const maxAgeMs = Math.max(0, absoluteAt - this.#context.now())
    return { action: 'set', value: this.#issued, ...(persistent && { maxAgeMs }) }
  }

  commit(): Promise<Outcome> {
    return this.#exclusively(async () => {
      if (this.#mode === 'new' || this.#live) {
        const settled = this.#unsettled && (await this.#apply(this.#unsettled, true))
        const changes = this.#changes()
        if ((this.#live || this.#mode === 'new') && (changes.size || this.#flashSteps.length))
          return this.#outcome(await this.#write(await this.#pending(changes)))
        if (settled === 'replaced') return this.#outcome('saved')
      }
      return this.#outcome(this.#live ? await this.#touch(this.#live) : this.#ended())
    })
  }

  update(change: (data: Plain) => void): Promise<Outcome> {
    return this.#exclusively(async () => {
      if (typeof change !== 'function') throw invalid('update', 'takes a function that changes the data it is given')
      // An update is not settled but made anew, as its caller asks; what landed of the earlier one is taken over.
      if (this.#unsettled) await this.#lookFor({ ...this.#unsettled, doubtful: [] })
      if (!this.#live && this.#mode !== 'new') return this.#outcome(this.#ended())
      const status = await this.#write({ ...(await this.#pending()), change })
      return this.#outcome(status === 'unchanged' && this.#live ? await this.#touch(this.#live) : status)
    })
  }

  regenerate(options: RegenerateOptions = {}): Promise<Outcome> {
    return this.#exclusively(async () => {
      const keepFor = options.keepOldFor === undefined ? 0 : milliseconds(options.keepOldFor, 'keepOldFor')
      if (keepFor > KNOWN_FOR) throw invalid('keepOldFor', 'must be at most 60s')
      if (this.#mode !== 'current') return this.#outcome(this.#ended())
      this.#needCookie('regenerate')
      const applied = await this.#apply({
        ...(await this.#pending()),
        rotation: { secret: newSecret(), keepFor },
      })
      if (applied === 'replaced') this.#context.events.emit('rotated', this.#names())
      return this.#outcome(applied === 'replaced' ? 'saved' : this.#ended())
    })
  }

  login(subject: string, options: LoginOptions = {}): Promise<Outcome> {
    return this.#exclusively(async () => {
      const tag = this.#context.tags(subject)[0]!
      const signIn = signInOf(options, this.#context.settings)
      this.#needCookie('login')
      const previous = this.handle
      const status = await this.#signIn(subject, tag, signIn)
      this.#context.events.emit('login', {
        ...this.#names(),
        subject,
        ...(previous !== undefined && previous !== this.handle && { previous }),
      })
      return this.#outcome(status)
    })
  }

  logout(): Promise<void> {
    return this.#exclusively(async () => {
      const mode = await this.#end()
      this.#mode = mode === 'current' ? 'new' : mode === 'kept' ? 'superseded' : mode
      this.#startedAt = this.#context.now()
      if (this.#mode !== 'destroyed') this.#replaceData(await this.#context.blank(), NO_CONTENT, this.data)
    })
  }

  destroy(): Promise<void> {
    return this.#exclusively(async () => {
      await this.#end()
      this.#mode = 'destroyed'
    })
  }

  flash(name: string, message: unknown): void {
    this.#refuseDestroyed('flash()')
    if (typeof name !== 'string') throw invalid('flash', 'takes a name and a message')
    if (message !== undefined) this.#flashSteps.push({ name, left: copy(message) })
  }

  flashed(name: string): unknown[] {
    this.#refuseDestroyed('flashed()')
    const messages = messagesOf(flashAfter(this.#seen.flash, this.#flashSteps), name)
    if (messages.length) this.#flashSteps.push({ name, taken: copy(messages) })
    return messages
  }

  requireFresh(maxAge: NonNullable<RegenerateOptions['keepOldFor']>): void {
    this.#refuseDestroyed('requireFresh()')
    const ms = milliseconds(maxAge, 'maxAge')
    const at = this.authenticatedAt
    if (this.subject === undefined || at === undefined)
      throw new SessError('not_fresh', 'nobody is signed in; ask for a sign-in and call login()')
    if (this.#context.now() - at > ms)
      throw new SessError(
        'not_fresh',
        `the sign-in is longer ago than ${String(maxAge)}; ask for the password again and call login()`,
      )
  }

  closeCookie(): void {
    this.#cookieClosed = true
  }

  /** The record, where this request may read and write it. */
  get #live(): Held | undefined {
    return this.#mode === 'current' || this.#mode === 'kept' ? this.#held : undefined
  }

  /** What the session is to a write that finds nothing to do. */
  #ended(): OutcomeStatus {
    return this.#mode === 'superseded'
      ? 'superseded'
      : this.#mode === 'gone' || this.#mode === 'destroyed'
        ? 'gone'
        : 'unchanged'
  }

  #outcome(status: OutcomeStatus): Outcome {
    return this.#issued === undefined ? { status } : { status, cookieValue: this.#issued }
  }

  #names(): { handle: string; subject?: string } {
    const { key, record } = this.#held!
    return {
      handle: handleOf(key),
      ...(record.subject !== undefined && { subject: record.subject }),
    }
  }

  /** Runs the session's operations one after the other. */
  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation)
    this.#last = result.catch(() => {})
    return result
  }

  #refuseDestroyed(what: string): void {
    if (this.#mode === 'destroyed')
      throw new SessError(
        'session_destroyed',
        `session.${what} was used after destroy(), which is final; use logout() if the request goes on, or login() to start anew`,
      )
  }

  #needCookie(operation: string): void {
    if (this.#cookieClosed)
      throw new SessError(
        'response_started',
        `${operation} needs to set a cookie, and the response's headers have left; do it before the first byte of the body. Nothing was written`,
      )
  }

  #changes(): Map<string, unknown> {
    return this.#data ? changesBetween(this.#base, this.#data) : new Map<string, unknown>()
  }

  /** What the user changed and has not written, as a write. @throws {SessError} `invalid_data`. */
  async #pending(changes: Map<string, unknown> = this.#changes()): Promise<Write> {
    const steps = [...this.#flashSteps]
    return {
      id: newWriteId(),
      changes:
        changes.size && this.#context.settings.schema
          ? changesBetween(this.#base, await this.#context.shaped(this.#data!))
          : changes,
      flash: (stored) => flashAfter(stored, steps),
      sent: this.#data ? copy(this.#data) : this.#base,
      flashSteps: steps.length,
      seen: this.#seen,
      doubtful: [],
    }
  }

  async #write(write: Write): Promise<OutcomeStatus> {
    if (this.#mode === 'new') {
      const content = await this.#composed(write, NO_CONTENT)
      if (!Object.keys(content.data).length && !Object.keys(content.flash).length) return 'unchanged'
      this.#needCookie('a new session')
      await this.#create(content, write)
      return 'created'
    }
    const applied = await this.#apply(write)
    return applied === 'replaced' ? 'saved' : applied === 'kept' ? 'unchanged' : applied
  }

  /** The content with a write's changes in it. */
  async #composed(write: Write, stored: Content): Promise<Content> {
    let data = changed(stored.data, write.changes)
    if (write.change) {
      const draft = await this.#context.shaped(data)
      const before = copy(draft)
      const result = write.change(draft)
      if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function')
        throw invalid('update', 'takes a synchronous function: it may run again, and must not wait')
      data = changed(
        data,
        changesBetween(before, this.#context.settings.schema ? await this.#context.shaped(draft) : draft),
      )
    }
    return { data, flash: write.flash(stored.flash) }
  }

  /** Stores a new record. One whose answer is lost is never sent again under its key: it could land after a logout. */
  async #create(content: Content, write: Write, subject?: string, tag?: string, signIn?: SignIn): Promise<void> {
    const { calls, codec, events, settings } = this.#context
    let failure: unknown
    for (let tries = 0; tries < 3; tries++) {
      const now = this.#context.now()
      const key = newKey(tag)
      const secret = newSecret()
      const digest = digestOf(secret)
      const lifetimes = signIn ?? settings
      const absoluteAt = now + lifetimes.absoluteTimeout
      const envelope = codec.envelope(
        {
          marker: false,
          persistent: lifetimes.persistent,
          createdAt: now,
          authenticatedAt: signIn && now,
          absoluteAt,
          idleTimeout: lifetimes.idleTimeout,
          digest,
          earlier: [],
          writes: [{ id: write.id, revision: 1 }],
          label: signIn?.label,
          client: signIn?.client ?? {},
        },
        content,
      )
      const record = codec.record(key, 1, expiryOf(lifetimes.idleTimeout, absoluteAt, now), subject, envelope)
      try {
        if (!(await calls.create(key, record))) continue
      } catch (error) {
        if (failure !== undefined || !mayRetry(error)) throw isUnknown(failure) ? failure : error
        failure = error
        continue
      }
      this.#mode = 'current'
      this.#digest = digest
      this.#issue(key, secret)
      await this.#landed(write, { key, record, envelope, content })
      events.emit('created', this.#names())
      return
    }
    throw (
      failure ??
      new SessError(
        'conflict',
        `the ${settings.store.name} store calls every new key taken; check that its create() works`,
      )
    )
  }

  /**
   * Replaces the record by one with the write's changes in it: compare-and-set, and on a conflict a fresh look. The
   * secret is judged before every try.
   *
   * @param doubted - The write was sent before, and its answer never came.
   */
  async #apply(write: Write, doubted = false): Promise<Applied> {
    const { calls, codec } = this.#context
    let resend = true
    try {
      if (doubted) {
        const found = await this.#lookFor(write)
        if (found) return found
      }
      for (let tries = 0; tries < TRIES; tries++) {
        const now = this.#context.now()
        const held = this.#held!
        const verdict = judge(held.envelope, this.#digest!, now)
        if (verdict === 'superseded' || verdict === 'mismatched') return this.#is('superseded')
        this.#mode = verdict
        if (verdict === 'kept' && write.rotation) return 'kept'
        if (held.record.expiresAt <= now) return this.#is('gone')
        this.#resolve(write, held.content)
        const content = await this.#composed(write, held.content)
        if (!write.rotation && !write.doubtful.length && equal(content, held.content)) {
          await this.#landed(write, held)
          return 'unchanged'
        }
        const revision = held.record.revision + 1
        const draft = this.#rewritten(held.envelope, write, revision, now)
        const envelope = codec.envelope(draft, content)
        const expiresAt = expiryOf(draft.idleTimeout, draft.absoluteAt, now)
        const record = codec.record(
          held.key,
          revision,
          // Another server's clock may run ahead of this one's: a plain write never shortens a life.
          write.rotation?.signIn ? expiresAt : Math.max(expiresAt, held.record.expiresAt),
          held.record.subject,
          envelope,
        )
        let answer
        try {
          answer = await calls.replace(held.key, record, held.record)
        } catch (error) {
          if (isUnknown(error)) write.doubtful.push(revision)
          if (!resend || !mayRetry(error)) throw error
          // The next round judges the secret again: its window may have closed while the answer was waited for.
          resend = false
          continue
        }
        if (answer === 'missing') return this.#is('gone')
        if (answer === 'replaced') {
          await this.#landed(write, { key: held.key, record, envelope, content })
          return 'replaced'
        }
        const found = await this.#lookFor(write)
        if (found) return found
      }
    } catch (error) {
      if (!write.doubtful.length) throw error
      this.#unsettled = write
      throw isUnknown(error)
        ? error
        : new SessError(
            'unknown_outcome',
            `a write to session ${this.handle ?? ''} was sent, and then could not be settled; commit() again settles it`,
            { cause: error },
          )
    }
    throw new SessError(
      'conflict',
      `session ${this.handle ?? ''} was changed by others ${TRIES} times while it was written; nothing was written. Try again, and keep less in one session`,
    )
  }

  /**
   * Reads the record afresh and looks for a write that may have landed.
   *
   * @returns Undefined when the write is not there and may be tried again.
   */
  async #lookFor(write: Write): Promise<'replaced' | 'gone' | undefined> {
    const held = await readHeld(this.#context, this.#held!.key)
    if (!held) return this.#is('gone')
    this.#unsettled = undefined
    if (held.envelope.writes.some(({ id }) => id === write.id)) {
      await this.#landed(write, held)
      return 'replaced'
    }
    this.#held = held
    const remembered = held.envelope.writes[0]?.revision ?? Infinity
    if (write.doubtful.some((revision) => revision < remembered)) {
      write.doubtful.length = 0
      await this.#landed(write, held)
      throw new SessError(
        'unknown_outcome',
        `session ${this.handle ?? ''} was written more than ${MEMORY} times since this write was sent; whether it was applied cannot be known, and it is not sent again`,
      )
    }
    return undefined
  }

  /** Settles conflicts by top-level key between a write and what others wrote since its changes were made. */
  #resolve(write: Write, stored: Content): void {
    const base = write.seen.data
    if (stored === write.seen) return
    const { onConflict } = this.#context.settings
    for (const [key, mine] of write.changes) {
      const theirs = get(stored.data, key)
      if (equal(theirs, get(base, key)) || equal(theirs, mine)) continue
      this.#context.events.emit('conflict', { ...this.#names(), key })
      if (onConflict === 'throw')
        throw new SessError(
          'conflict',
          `data.${key} of session ${this.handle ?? ''} was changed by another request since it was loaded; nothing was written. Use update() for it, or load again`,
        )
      if (typeof onConflict === 'function')
        write.changes.set(
          key,
          copy(onConflict({ key, base: copy(get(base, key)), theirs: copy(theirs), mine: copy(mine) })),
        )
    }
    write.seen = stored
  }

  /** The envelope of the next revision. */
  #rewritten(envelope: Envelope, { id, rotation }: Write, revision: number, now: number): Draft {
    const draft: Draft = {
      ...envelope,
      writes: [...envelope.writes, { id, revision }].slice(-MEMORY),
    }
    if (!rotation) return draft
    const { secret, keepFor, signIn } = rotation
    const rotated = {
      ...draft,
      digest: digestOf(secret),
      earlier: rotatedAway(envelope, now, keepFor),
    }
    if (!signIn) return rotated
    const { absoluteTimeout, idleTimeout, persistent } = signIn
    return {
      ...rotated,
      idleTimeout,
      persistent,
      authenticatedAt: now,
      absoluteAt: now + absoluteTimeout,
      label: signIn.label ?? envelope.label,
      client: signIn.client ?? envelope.client,
    }
  }

  /** Takes over what a write left in the store. What the user changed since it began stays pending. */
  async #landed(write: Write, held: Held): Promise<void> {
    this.#held = held
    this.#unsettled = undefined
    const { rotation } = write
    if (rotation && held.envelope.writes.some(({ id }) => id === write.id)) {
      this.#digest = digestOf(rotation.secret)
      this.#issue(held.key, rotation.secret)
      this.#mode = 'current'
    }
    this.#flashSteps.splice(0, write.flashSteps)
    if (held.envelope.marker) {
      this.#base = write.sent
      this.#mode = 'superseded'
      return
    }
    const base = this.#context.settings.schema ? await this.#context.shaped(held.content.data) : held.content.data
    this.#replaceData(base, held.content, write.sent)
  }

  /** Gives the user's object a new base: keys that are as they were sent follow it. */
  #replaceData(base: Plain, seen: Content, sent: Plain): void {
    this.#base = base
    this.#seen = seen
    const data = this.#data
    if (!data) return
    for (const key of new Set([...Object.keys(base), ...Object.keys(data)])) {
      const mine = get(data, key)
      if (!equal(mine, get(sent, key))) continue
      const next = get(base, key)
      if (mine === undefined || !equal(mine, next)) put(data, key, copy(next))
    }
  }

  #issue(key: SessionKey, secret: string): void {
    this.#issued = handleOf(key) + secret
    this.#removed = false
  }

  #is<M extends 'gone' | 'superseded'>(mode: M): M {
    this.#mode = mode
    this.#unsettled = undefined
    this.#issued = undefined
    return mode
  }

  /** Moves the idle clock, if that is due. */
  async #touch(held: Held): Promise<OutcomeStatus> {
    const { settings, calls } = this.#context
    const { idleTimeout, absoluteAt } = held.envelope
    if (idleTimeout === 0) return 'unchanged'
    const now = this.#context.now()
    const expiresAt = expiryOf(idleTimeout, absoluteAt, now)
    const after =
      settings.touchAfter !== undefined && settings.touchAfter < idleTimeout ? settings.touchAfter : idleTimeout / 10
    if (expiresAt - held.record.expiresAt < after) return 'unchanged'
    const verdict = judge(held.envelope, this.#digest!, now)
    if (verdict !== 'current' && verdict !== 'kept') return this.#is('superseded')
    const answer = await calls.touch(held.key, expiresAt, held.record)
    if (answer === 'missing') return this.#is('gone')
    // Another revision: somebody wrote just now, and moved the clock by that.
    if (answer === 'conflict') return 'unchanged'
    this.#held = { ...held, record: { ...held.record, expiresAt } }
    return 'touched'
  }

  /** Deletes, without asking, what this session's secret may end. */
  async #end(): Promise<Mode> {
    const mode = this.#mode
    const { calls, events } = this.#context
    if (mode === 'current' || mode === 'kept' || (mode === 'superseded' && !this.#held!.envelope.marker)) {
      await calls.delete(this.#held!.key)
      events.emit('logout', this.#names())
    }
    if (mode === 'current' && !this.#cookieClosed) this.#removed = true
    this.#issued = undefined
    this.#unsettled = undefined
    this.#flashSteps = []
    return mode
  }

  async #signIn(subject: string, tag: string, signIn: SignIn): Promise<OutcomeStatus> {
    const write = await this.#pending()
    if (this.#mode === 'current' && this.subject === subject) {
      if ((await this.#apply({ ...write, rotation: { secret: newSecret(), keepFor: 0, signIn } })) === 'replaced')
        return 'saved'
    }
    const old = this.#held
    const mode = this.#mode
    const digest = this.#digest
    const stored = this.#carried(subject)
    const content = stored ? await this.#composed(write, stored) : NO_CONTENT
    await this.#create(content, write, subject, tag, signIn)
    if (old && digest && mode === 'current') await this.#mark(old, digest, stored ? write : undefined)
    return 'created'
  }

  /** What of the stored content may come along to a subject's new session. Undefined: nothing, nor any change. */
  #carried(subject: string): Content | undefined {
    const held = this.#held
    if (this.#mode === 'new') return NO_CONTENT
    if (this.#mode === 'gone' || this.#mode === 'destroyed' || !held) return undefined
    const owner = held.record.subject
    if (owner !== undefined && owner !== subject) return undefined
    if (this.#mode !== 'superseded') return held.content
    const { envelope, record } = held
    const allowed =
      owner === undefined
        ? envelope.marker && wasValidAtMarking(envelope, record.expiresAt, this.#digest!)
        : !envelope.marker
    return allowed ? held.content : NO_CONTENT
  }

  /**
   * Turns the record that a login came from into a marker. Whatever happens here, the sign-in stands.
   *
   * @param write - This request's changes; undefined when another subject was signed in, whose data stays behind.
   */
  async #mark(loaded: Held, digest: Buffer, write: Write | undefined): Promise<void> {
    const { calls, codec, events } = this.#context
    const id = newWriteId()
    let old = loaded
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const now = this.#context.now()
        const revision = old.record.revision + 1
        const envelope: Envelope = {
          ...old.envelope,
          marker: true,
          writes: [...old.envelope.writes, { id, revision }].slice(-MEMORY),
          ...(!write && { data: EMPTY, flash: EMPTY }),
        }
        const marker = codec.record(old.key, revision, now + KNOWN_FOR, old.record.subject, envelope)
        const answer = await calls.again('replace', old.key, () =>
          calls.store.replace(old.key, marker, old.record, now),
        )
        if (answer !== 'conflict') return
        const fresh = await readHeld(this.#context, old.key)
        if (!fresh || fresh.envelope.writes.some((mark) => mark.id === id)) return
        const marked = fresh.envelope.marker
        const valid = marked
          ? wasValidAtMarking(fresh.envelope, fresh.record.expiresAt, digest)
          : judge(fresh.envelope, digest, now) === 'current'
        if (!valid) return
        if (write) await this.#merge(write, fresh.content)
        if (marked) return
        old = fresh
      }
      if (!write) await calls.delete(old.key)
    } catch (error) {
      events.emit('error', {
        code: error instanceof SessError ? error.code : 'store_unavailable',
        operation: 'login: mark the session it came from',
        error,
        handle: handleOf(loaded.key),
      })
    }
  }

  /** Brings what others wrote to the session that a login came from into the new one. */
  async #merge(write: Write, theirs: Content): Promise<void> {
    this.#resolve(write, theirs)
    const merged = { data: changed(theirs.data, write.changes), flash: write.flash(theirs.flash) }
    const seen = this.#held!.content
    await this.#apply({
      ...write,
      id: newWriteId(),
      changes: new Map(changesBetween(seen.data, merged.data)),
      flash: () => merged.flash,
      sent: this.#data ? copy(this.#data) : this.#base,
      flashSteps: 0,
      seen,
      doubtful: [],
    })
  }
}

const EMPTY = new Uint8Array(0)

/** Reads a record afresh, past any cache. Undefined when it is gone, or no longer to be read. */
async function readHeld({ calls, codec, events }: Context, key: SessionKey): Promise<Held | undefined> {
  const record = await calls.read(key, true)
  const envelope = record && codec.decode(key, record)
  const content = envelope && codec.content(envelope)
  if (content) return { key, record, envelope, content }
  if (record) events.emit('rejected', { reason: 'undecodable', handle: handleOf(key) })
  return undefined
}

/** When a session ends unless it is used: the earlier of idle and absolute. An idle timeout of 0 does not slide. */
function expiryOf(idleTimeout: number, absoluteAt: number, now: number): number {
  return idleTimeout === 0 ? absoluteAt : Math.min(now + idleTimeout, absoluteAt)
}
// An assignment to a property that a session does not have is the reflex of who used express-session: `session.user = x`.
// It would be lost without a word, so the end of the prototype chain refuses it.
Object.setPrototypeOf(
  LiveSession.prototype,
  new Proxy(Object.prototype, {
    set(_target, property) {
      throw new TypeError(
        `session.${String(property)} is no property of a session and would not be saved; did you mean session.data.${String(property)}?`,
      )
    },
  }),
)
