import type { OutcomeStatus } from './api.ts'
import { isUnknown, mayRetry } from './calls.ts'
import { namesOf, written, type Content, type DecodedRecord, type SessionNames } from './codec.ts'
import type { Context } from './context.ts'
import { SessError } from './error.ts'
import { expiryOf, firstRevision, type Owner } from './revisions.ts'
import { judge, validDigests, type Verdict } from './secrets.ts'
import { asExpected } from './store.ts'
import { digestOf, handleOf, newKey, newSecret } from './token.ts'
import type { Write } from './write.ts'

/**
 * The state of a request's access to its record:
 *
 * - `new`: nothing is stored.
 * - `current`, `kept`, `superseded`: the verdict on its secret.
 * - `gone`: the record was deleted or has expired.
 * - `destroyed`: `destroy()` was called.
 */
export type Mode = 'new' | Opened['verdict'] | 'gone' | 'destroyed'

/** A record, and the verdict on the digest of the request's secret. */
export interface Opened {
  readonly verdict: Exclude<Verdict, 'mismatched'>
  readonly digest: string
  readonly held: DecodedRecord
}

/** The access of one request to its record: it reads, writes and ends the record, if the request's secret allows. */
export class RecordAccess {
  readonly context: Context
  #mode: Mode = 'new'
  #held: DecodedRecord | undefined
  #digest: string | undefined
  #issued: string | undefined
  #reserved: string | undefined

  /** @param opened - Absent if nothing is stored yet. */
  constructor(context: Context, opened?: Opened) {
    this.context = context
    if (opened) this.open(opened)
  }

  /** Sets the record that was found. */
  open({ verdict, digest, held }: Opened): void {
    this.#mode = verdict
    this.#digest = digest
    this.#held = held
  }

  get mode(): Mode {
    return this.#mode
  }

  /** The record as it was last read or written, even if this request may not access it. */
  get held(): DecodedRecord | undefined {
    return this.#held
  }

  /** The digest of this request's secret. */
  get digest(): string | undefined {
    return this.#digest
  }

  /** The cookie value, if this request has made a new secret. */
  get issued(): string | undefined {
    return this.#issued
  }

  /** The secret of a new session, if something was derived from it. The next commit then creates the session, even if it is empty. */
  get reserved(): string | undefined {
    return this.#reserved
  }

  /** Makes the secret of a new session now. A login makes another secret, so values that were derived from this one become invalid. */
  reserve(): string {
    return (this.#reserved ??= newSecret())
  }

  /** The digests of the secrets that open this session now, the current one first. Empty if there is no session. */
  get digests(): readonly string[] {
    const { live } = this
    if (this.#reserved !== undefined) return [digestOf(this.#reserved)]
    return live ? validDigests(live.envelope, this.context.settings.clock()) : []
  }

  /** The record, if this request may read and write it. */
  get live(): DecodedRecord | undefined {
    return this.mode === 'current' || this.mode === 'kept' ? this.held : undefined
  }

  /** The status of an operation that has nothing to do. */
  get idle(): OutcomeStatus {
    return this.mode === 'superseded'
      ? this.mode
      : this.mode === 'gone' || this.mode === 'destroyed'
        ? 'gone'
        : 'unchanged'
  }

  /** The names of the session in events. */
  get names(): SessionNames {
    return namesOf(this.#held!)
  }

  /** The handle of the session; undefined if this request may not read it. */
  get handle(): string | undefined {
    const { live } = this
    return live && handleOf(live.key)
  }

  /**
   * Stores a new record. If the answer is lost, it retries with another key and secret: the first create could be applied after a
   * logout.
   */
  async create({ id }: Write, content: Content, owner?: Owner): Promise<void> {
    const { calls, events, settings } = this.context
    let failure: unknown
    for (let tries = 0; tries < 2; tries++) {
      const secret = (!owner && this.#reserved) || newSecret()
      const key = newKey(owner?.tag)
      const held = firstRevision(settings, key, secret, { id, content }, owner, settings.clock())
      try {
        if (await calls.tell('create', key, (at) => settings.store.create(key, held.record, at))) {
          this.#hold(written(held), secret)
          events.emit('created', this.names)
          return
        }
        failure ??= new SessError(
          'conflict',
          'the session store answers that a new random key exists already; check the store',
        )
      } catch (error) {
        if (!isUnknown(failure)) failure = error
        if (!mayRetry(error)) break
      }
    }
    throw failure
  }

  /** The expiry that a touch would set now, in ms since the epoch; undefined if a touch is not due. */
  get touchedUntil(): number | undefined {
    const { live } = this
    const { clock, touchAfter } = this.context.settings
    if (!live?.envelope.idleTimeout) return undefined
    const { idleTimeout, absoluteAt } = live.envelope
    const after = touchAfter !== undefined && touchAfter < idleTimeout ? touchAfter : idleTimeout / 10
    const until = expiryOf(idleTimeout, absoluteAt, clock())
    // At least 1 ms: with `touchAfter: 0`, a touch must still move the expiry.
    return until - live.record.expiresAt < Math.max(after, 1) ? undefined : until
  }

  /** Touches the session, if that is due. */
  async touch(): Promise<OutcomeStatus> {
    const { live, touchedUntil: expiresAt } = this
    if (!live || expiresAt === undefined) return this.idle
    const { key, record, envelope } = live
    const { calls, settings } = this.context
    const answer = await calls.tell(
      'touch',
      key,
      async (at) =>
        // Before each try, since the window of a kept secret may have closed meanwhile.
        ['current', 'kept'].includes(judge(envelope, this.#digest!, at))
          ? settings.store.touch(key, record, expiresAt, at)
          : 'superseded',
      2,
    )
    if (answer === 'superseded') return this.become(answer)
    if (answer === 'missing') return this.become('gone')
    // Another revision: another request has just written, which moved the expiry.
    if (answer === 'conflict') return 'unchanged'
    this.#hold({ ...live, record: asExpected({ ...record, expiresAt }) })
    return answer
  }

  /** Deletes the record, if this request's secret may end it. @returns True if the response must remove the cookie. */
  async end(): Promise<boolean> {
    const { calls, events, settings } = this.context
    const { mode, held } = this
    if (held && (this.live || (mode === 'superseded' && !held.envelope.marker))) {
      await calls.tell('delete', held.key, (at) => settings.store.delete(held.key, at), 2)
      events.emit('logout', this.names)
    }
    this.#issued = undefined
    this.#reserved = undefined
    return mode === 'current'
  }

  /** After {@link end}: becomes a new session. A request with a kept secret becomes superseded, since it must not set a cookie. */
  startOver(): void {
    if (this.#mode === 'current') this.#mode = 'new'
    else if (this.#mode === 'kept') this.#mode = 'superseded'
  }

  /** After {@link end}: becomes `destroyed`. Only a login makes a new session of it. */
  close(): void {
    this.#mode = 'destroyed'
  }

  /** Sets the record as another writer left it. */
  refresh(held: DecodedRecord): void {
    this.#held = held
  }

  /** Sets the new verdict on the secret. */
  judgedAs(verdict: 'current' | 'kept'): void {
    this.#mode = verdict
  }

  /** Sets the record that a write of this request stored. */
  landed({ rotation }: Write, held: DecodedRecord): void {
    this.#hold(held, rotation?.secret)
    if (held.envelope.marker) this.become('superseded')
  }

  /** Ends the access: there is no new cookie to set. @returns The mode. */
  become<M extends 'gone' | 'superseded'>(mode: M): M {
    this.#mode = mode
    this.#issued = undefined
    return mode
  }

  /** Sets a record that this request wrote, and its new secret. */
  #hold(held: DecodedRecord, secret?: string): void {
    this.#held = held
    this.#reserved = undefined
    this.#issued = this.context.cookieOf(held, secret) ?? this.#issued
    if (!secret) return
    this.#mode = 'current'
    this.#digest = digestOf(secret)
  }
}
