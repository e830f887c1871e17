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
 * Where a request stands with its record:
 *
 * - `new`: nothing is stored.
 * - `current`, `kept`, `superseded`: as its secret was judged.
 * - `gone`: found deleted or expired.
 * - `destroyed`: by `destroy()`.
 */
export type Mode = 'new' | Opened['verdict'] | 'gone' | 'destroyed'

/** A record, and what the digest of the request's secret is worth to it. */
export interface Opened {
  readonly verdict: Exclude<Verdict, 'mismatched'>
  readonly digest: string
  readonly held: DecodedRecord
}

/** What one request knows of its record, and how it reads, writes and ends it, as far as its secret allows. */
export class RecordAccess {
  readonly context: Context
  #mode: Mode = 'new'
  #held: DecodedRecord | undefined
  #digest: string | undefined
  #issued: string | undefined
  #reserved: string | undefined

  /** @param opened - Left out: nothing is stored yet. */
  constructor(context: Context, opened?: Opened) {
    this.context = context
    if (opened) this.open(opened)
  }

  /** Goes on with a record that was found. */
  open({ verdict, digest, held }: Opened): void {
    this.#mode = verdict
    this.#digest = digest
    this.#held = held
  }

  get mode(): Mode {
    return this.#mode
  }

  /** The record as last read or written, whatever this request may do with it. */
  get held(): DecodedRecord | undefined {
    return this.#held
  }

  /** The digest of the secret that this request has. */
  get digest(): string | undefined {
    return this.#digest
  }

  /** The cookie value of a secret that this request made. */
  get issued(): string | undefined {
    return this.#issued
  }

  /** The secret of a session that is to be created, though it holds nothing yet: something was derived from the secret. */
  get reserved(): string | undefined {
    return this.#reserved
  }

  /** Chooses the secret of a new session now. A login has another: what was derived from this one ends there. */
  reserve(): string {
    return (this.#reserved ??= newSecret())
  }

  /** The digests of the secrets that open this session now, the current one first; none where there is no session to open. */
  get digests(): readonly string[] {
    const { live } = this
    if (this.#reserved !== undefined) return [digestOf(this.#reserved)]
    return live ? validDigests(live.envelope, this.context.settings.clock()) : []
  }

  /** The record, where this request may read and write it. */
  get live(): DecodedRecord | undefined {
    return this.mode === 'current' || this.mode === 'kept' ? this.held : undefined
  }

  /** What a write has to say that finds nothing to do. */
  get idle(): OutcomeStatus {
    return this.mode === 'superseded'
      ? this.mode
      : this.mode === 'gone' || this.mode === 'destroyed'
        ? 'gone'
        : 'unchanged'
  }

  /** The names that events carry. */
  get names(): SessionNames {
    return namesOf(this.#held!)
  }

  /** Names the session; undefined where this request may not read it. */
  get handle(): string | undefined {
    const { live } = this
    return live && handleOf(live.key)
  }

  /** Stores a new record. One whose answer is lost is never sent again under its key: it could land after a logout. */
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
        failure ??= new SessError('conflict', 'the session store says that new keys are taken')
      } catch (error) {
        if (!isUnknown(failure)) failure = error
        if (!mayRetry(error)) break
      }
    }
    throw failure
  }

  /** Until when the session would live if it were touched now; undefined while that is not due. */
  get touchedUntil(): number | undefined {
    const { live } = this
    const { clock, touchAfter } = this.context.settings
    if (!live?.envelope.idleTimeout) return undefined
    const { idleTimeout, absoluteAt } = live.envelope
    const after = touchAfter !== undefined && touchAfter < idleTimeout ? touchAfter : idleTimeout / 10
    const until = expiryOf(idleTimeout, absoluteAt, clock())
    // At least by 1 ms: with `touchAfter: 0` too there must be something to move.
    return until - live.record.expiresAt < Math.max(after, 1) ? undefined : until
  }

  /** Moves the idle clock, if that is due. */
  async touch(): Promise<OutcomeStatus> {
    const { live, touchedUntil: expiresAt } = this
    if (!live || expiresAt === undefined) return this.idle
    const { key, record, envelope } = live
    const { calls, settings } = this.context
    const answer = await calls.tell(
      'touch',
      key,
      async (at) =>
        // Looked at before each try: the window of a kept secret may have closed meanwhile.
        ['current', 'kept'].includes(judge(envelope, this.#digest!, at))
          ? settings.store.touch(key, record, expiresAt, at)
          : 'superseded',
      2,
    )
    if (answer === 'superseded') return this.become(answer)
    if (answer === 'missing') return this.become('gone')
    // Another revision: somebody wrote just now, and moved the clock by that.
    if (answer === 'conflict') return 'unchanged'
    this.#hold({ ...live, record: asExpected({ ...record, expiresAt }) })
    return answer
  }

  /** Deletes, without asking, what this request's secret may end. @returns True if a cookie is to be removed. */
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

  /** Goes on after {@link end}, with nothing stored. A secret that cannot have its cookie replaced stays superseded. */
  startOver(): void {
    if (this.#mode === 'current') this.#mode = 'new'
    else if (this.#mode === 'kept') this.#mode = 'superseded'
  }

  /** Goes on after {@link end} as one that is over; a login makes a new session of it. */
  close(): void {
    this.#mode = 'destroyed'
  }

  /** Goes on with the record as another writer left it. */
  refresh(held: DecodedRecord): void {
    this.#held = held
  }

  /** Goes on as the secret was judged just now. */
  judgedAs(verdict: 'current' | 'kept'): void {
    this.#mode = verdict
  }

  /** Goes on with the record that a write of this request made. */
  landed({ rotation }: Write, held: DecodedRecord): void {
    this.#hold(held, rotation?.secret)
    if (held.envelope.marker) this.become('superseded')
  }

  /** Goes on without a cookie of its own. @returns The mode. */
  become<M extends 'gone' | 'superseded'>(mode: M): M {
    this.#mode = mode
    this.#issued = undefined
    return mode
  }

  /** Goes on with a record as it was written, and with its new secret. */
  #hold(held: DecodedRecord, secret?: string): void {
    this.#held = held
    this.#reserved = undefined
    this.#issued = this.context.cookieOf(held, secret) ?? this.#issued
    if (!secret) return
    this.#mode = 'current'
    this.#digest = digestOf(secret)
  }
}
