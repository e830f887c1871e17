import type { LoginOptions, Outcome, RegenerateOptions, Session } from './api.ts'
import type { Duration } from './duration.ts'
import type { SessionsEvents } from './session-events.ts'
import type { DecodedRecord } from './codec.ts'
import type { Context } from './context.ts'
import type { Plain } from './data.ts'
import { milliseconds } from './duration.ts'
import { SessError } from './error.ts'
import { Operations } from './operations.ts'
import { RecordAccess, type Opened } from './record-access.ts'
import { expiryOf } from './revisions.ts'
import type { CloseCookieOptions, CookieChange, SessionBinding, SessionFailure } from './session-binding.ts'
import { deriveKey } from './token.ts'
import { WorkingCopy, type Change } from './working-copy.ts'

/** A session during one request: the members for the application and those for the binding. The application gets a view of it. */
export class LiveSession implements Session<Plain>, SessionBinding {
  readonly #context: Context
  readonly #record: RecordAccess
  readonly #copy: WorkingCopy
  readonly #operations: Operations
  #used = false
  /** The head of the response has left without `private`, so a shared cache may store the response. */
  #shared: boolean | (() => boolean) = false
  /** A binding uses this session, and commits it at the end of the request. */
  #bound = false

  /**
   * @param data - The data as the application sees it; or the error, if it does not fit the schema.
   * @param opened - The record, and the verdict on the request's secret. Absent for a new session.
   */
  constructor(context: Context, data: Plain | SessError, opened?: Opened) {
    this.#context = context
    this.#record = new RecordAccess(context, opened)
    const seen = opened && opened.verdict !== 'superseded' ? opened.held.content : undefined
    this.#copy = new WorkingCopy(context, () => this.#record.names, data, seen)
    this.#operations = new Operations(context, this.#record, this.#copy, () => this.#bound)
  }

  /** Adds further sessions that the request's cookies open. `logout` and `destroy` end them too. */
  endsAlso(others: readonly DecodedRecord[]): void {
    this.#operations.endsAlso(others)
  }

  /** True if the session was loaded by the sessions of this context. */
  isOf(context: Context): boolean {
    return this.#context === context
  }

  /** This request's access to its record. */
  get record(): RecordAccess {
    return this.#record
  }

  /** An operation of the session waits or runs. */
  get running(): boolean {
    return this.#operations.running
  }

  /** The members for a binding. From the first access on, a binding commits the session. */
  get binding(): SessionBinding {
    this.#bound = true
    return this
  }

  get used(): boolean {
    return this.#used
  }

  /** Records that the application used the session. */
  markUsed(): void {
    if (this.#used) return
    this.#used = true
    const shared = typeof this.#shared === 'function' ? this.#shared() : this.#shared
    if (shared) this.report('uncacheable_late', this.handle === undefined ? {} : { handle: this.handle })
  }

  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void {
    this.#context.events.emit(name, event)
  }

  get data(): Plain {
    this.#refuseDestroyed()
    return this.#copy.data
  }

  set data(value: Plain) {
    this.#refuseDestroyed()
    this.#copy.assign(value)
  }

  get handle(): string | undefined {
    return this.#record.handle
  }

  get status(): Session['status'] {
    const { mode, live } = this.#record
    return live ? 'active' : mode === 'new' || mode === 'superseded' ? mode : 'destroyed'
  }

  get subject(): string | undefined {
    return this.#record.live?.record.subject
  }

  get createdAt(): number {
    return this.#record.live?.envelope.createdAt ?? this.#operations.startedAt
  }

  get authenticatedAt(): number | undefined {
    return this.#record.live?.envelope.authenticatedAt || undefined
  }

  get expiresAt(): number {
    const { idleTimeout, absoluteTimeout } = this.#context.settings.anonymous
    const { startedAt } = this.#operations
    return this.#record.live?.record.expiresAt ?? expiryOf(idleTimeout, startedAt + absoluteTimeout, startedAt)
  }

  get cookieChange(): CookieChange | undefined {
    const { issued, held } = this.#record
    if (issued === undefined) return this.#operations.removesCookie ? { action: 'remove' } : undefined
    const { persistent, absoluteAt } = held!.envelope
    const maxAgeMs = Math.max(0, absoluteAt - this.#context.settings.clock())
    return { action: 'set', value: issued, ...(persistent && { maxAgeMs }) }
  }

  get needsCommit(): boolean {
    if (!this.#used) return false
    return this.#operations.pending || this.#record.touchedUntil !== undefined || this.#copy.hasChanges
  }

  get failure(): SessionFailure | undefined {
    return this.#operations.failure
  }

  commit(): Promise<Outcome> {
    return this.#used ? this.#operations.commit() : Promise.resolve({ status: this.#record.idle })
  }

  update(change: Change): Promise<Outcome> {
    return this.#operations.update(change)
  }

  regenerate(options?: RegenerateOptions): Promise<Outcome> {
    return this.#operations.regenerate(options)
  }

  login(subject: string, options?: LoginOptions): Promise<Outcome> {
    return this.#operations.login(subject, options)
  }

  logout(): Promise<void> {
    return this.#operations.logout()
  }

  destroy(): Promise<void> {
    return this.#operations.destroy()
  }

  flash(name: string, message: unknown): void {
    this.#refuseDestroyed()
    this.#copy.flash(name, message)
  }

  flashed<Message>(name: string): Message[] {
    this.#refuseDestroyed()
    return this.#copy.flashed(name) as Message[]
  }

  requireFresh(maxAge: Duration): void {
    this.#refuseDestroyed()
    const since = this.#context.settings.clock() - milliseconds(maxAge, 'maxAge')
    if (this.subject === undefined || (this.authenticatedAt ?? 0) < since)
      throw new SessError('not_fresh', `nobody signed in within ${maxAge}; ask for the password, then call login()`)
  }

  keyFor(purpose: string): Uint8Array | undefined {
    this.#refuseDestroyed()
    const digest = this.#operations.presentDigest()
    return digest ? deriveKey(digest, purpose) : undefined
  }

  keysFor(purpose: string): readonly Uint8Array[] {
    return this.#record.digests.filter(Boolean).map((digest) => deriveKey(digest, purpose))
  }

  closeCookie({ shared = false }: CloseCookieOptions = {}): void {
    this.#operations.closeCookie()
    if (!this.#used) this.#shared ||= shared
  }

  #refuseDestroyed(): void {
    if (this.#record.mode === 'destroyed')
      throw new SessError(
        'session_destroyed',
        'the session was destroyed, and its object can only login(); to go on with an empty session, call logout() instead of destroy()',
      )
  }
}
