import type { OutcomeStatus } from './api.ts'
import { isUnknown, mayRetry } from './calls.ts'
import { namesOf, pack, written, type Content, type Draft, type Held, type Packed } from './codec.ts'
import type { Context } from './context.ts'
import { marked, MEMORY, rememberedFrom, remembers } from './envelope.ts'
import { SessError } from './error.ts'
import type { SignIn } from './login.ts'
import { judge, rotatedAway, withoutPassedWindows } from './secrets.ts'
import { asExpected } from './store.ts'
import { digestOf, handleOf, newKey, newSecret } from './token.ts'

/**
 * Where a request stands with its record:
 *
 * - `new`: nothing is stored.
 * - `current`, `kept`, `superseded`: as its secret was judged.
 * - `gone`: found deleted or expired.
 * - `destroyed`: by `destroy()`.
 */
export type Mode = 'new' | 'current' | 'kept' | 'superseded' | 'gone' | 'destroyed'

/** One logical write: applied once, whatever happens to its answers. */
export interface Write {
  readonly id: string
  /** The content to store; may be asked again. The same object as it was given: nothing to write. */
  readonly compose: (stored: Content) => Content | Promise<Content>
  readonly rotation?: { readonly secret: string; readonly keepFor: number; readonly signIn?: SignIn }
  /** Revisions that tries without an answer would have made. */
  readonly doubtful: number[]
  /** Whether it was applied cannot be known any more. */
  lost?: boolean
}

/** How often a login's marker is tried against others that come between. */
export const TRIES = 20

type Applied = 'replaced' | 'unchanged' | 'gone' | 'superseded' | 'kept'

/** What a request knows of its record, and how it writes to it. */
export class Stored {
  readonly context: Context
  mode: Mode = 'new'
  held: Held | undefined
  digest: string | undefined
  /** The cookie value of a secret that this request made. */
  issued: string | undefined

  constructor(context: Context) {
    this.context = context
  }

  /** The record, where this request may read and write it. */
  get live(): Held | undefined {
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
  get names(): { handle: string; subject?: string } {
    return namesOf(this.held!)
  }

  /** Stores a new record. One whose answer is lost is never sent again under its key: it could land after a logout. */
  async create(write: Write, content: Content, subject?: string, tag?: string, signIn?: SignIn): Promise<void> {
    const { calls, events, settings } = this.context
    const { idleTimeout, absoluteTimeout, persistent } = signIn ?? settings
    let failure: unknown
    for (let tries = 0; tries < 2; tries++) {
      const now = settings.clock()
      const secret = newSecret()
      const absoluteAt = now + absoluteTimeout
      const rest = {
        revision: 1,
        expiresAt: expiryOf(idleTimeout, absoluteAt, now),
        ...(subject && { subject }),
      }
      const held = pack(
        settings,
        newKey(tag),
        rest,
        {
          marker: false,
          persistent,
          createdAt: now,
          authenticatedAt: signIn ? now : 0,
          absoluteAt,
          idleTimeout,
          digest: digestOf(secret),
          earlier: [],
          writes: write.id,
          label: signIn?.label ?? '',
          client: signIn?.client ?? {},
        },
        content,
      )
      try {
        if (await calls.tell('create', held.key, (at) => settings.store.create(held.key, held.record, at))) {
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

  /**
   * Replaces the record by what a write makes of it: compare-and-set, and on a conflict a fresh look. The secret is
   * judged before every try.
   *
   * @param doubted - The write was sent before, and its answer never came.
   * @returns `kept`: a rotation that a kept secret may not make.
   */
  async apply(write: Write, doubted = false): Promise<Applied> {
    const { settings, writes } = this.context
    const patience = 2 * settings.storeTimeout
    const until = performance.now() + patience
    const entered = writes.enter(handleOf(this.held!.key), patience)
    const turn = entered instanceof Promise ? await entered : entered
    try {
      const { handed } = turn
      if (handed && handed.record.revision > this.held!.record.revision) this.held = handed
      const applied = await this.#applyUntil(until, write, doubted)
      turn.leave(applied === 'gone' ? undefined : this.held)
      return applied
    } catch (error) {
      turn.leave(undefined, error)
      throw error
    }
  }

  async #applyUntil(until: number, write: Write, doubted: boolean): Promise<Applied> {
    const { calls, settings } = this.context
    const { doubtful, rotation } = write
    let look = doubted
    let resend = true
    try {
      for (let tries = 0; performance.now() < until; tries++) {
        if (tries > 2) await aWhile(tries)
        const found = look && (await this.lookFor(write, until))
        if (found) return found
        const now = settings.clock()
        const { key, record, envelope, content } = this.held!
        const verdict = judge(envelope, this.digest!, now)
        if (verdict === 'superseded' || verdict === 'mismatched') return await this.#superseded(write, look, until)
        if (record.expiresAt <= now) return this.#is('gone')
        this.mode = verdict
        if (rotation && verdict === 'kept') return verdict
        const next = await write.compose(content)
        if (next === content && !rotation && !doubtful.length) return 'unchanged'
        const held = this.#next(write, next, now)
        look = true
        try {
          const answer = await calls.tell(
            'replace',
            key,
            (at) => settings.store.replace(key, record, held.record, at),
            1,
            until,
          )
          if (answer === 'missing') return this.#is('gone')
          if (answer === 'replaced') {
            this.#landed(write, written(held))
            return answer
          }
        } catch (error) {
          if (isUnknown(error)) doubtful.push(held.record.revision)
          if (!resend || !mayRetry(error)) throw error
          // Sent again as it was, once. The secret is judged again first: its window may have closed meanwhile.
          resend = look = false
        }
      }
    } catch (error) {
      if (!doubtful.length || isUnknown(error)) throw error
      throw new SessError('unknown_outcome', 'a write could not be settled; commit() again settles it', {
        cause: error,
        ...this.names,
      })
    }
    throw new SessError(
      'conflict',
      'other requests kept changing the session meanwhile; nothing was written. Try again',
      this.names,
    )
  }

  /**
   * Reads the record afresh and looks for a write that may have landed.
   *
   * @returns Undefined when the write is not there and may be tried again.
   * @throws {SessError} `unknown_outcome` when the record has forgotten.
   */
  async lookFor(write: Write, until?: number): Promise<'replaced' | 'gone' | undefined> {
    const held = await this.context.read(this.held!.key, true, until)
    if (!held) return this.#is('gone')
    this.held = held
    const { envelope, record } = held
    if (remembers(envelope, write.id)) {
      this.#landed(write, held)
      return 'replaced'
    }
    if (Math.min(...write.doubtful) >= rememberedFrom(envelope, record.revision)) return undefined
    write.lost = true
    throw new SessError(
      'unknown_outcome',
      `the session was written more than ${MEMORY} times since; this write may have been applied, and is not sent again`,
      this.names,
    )
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
        ['current', 'kept'].includes(judge(envelope, this.digest!, at))
          ? settings.store.touch(key, record, expiresAt, at)
          : 'superseded',
      2,
    )
    if (answer === 'superseded') return this.#is(answer)
    if (answer === 'missing') return this.#is('gone')
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
    this.issued = undefined
    return mode === 'current'
  }

  /** Ends a write whose secret was rotated away: it says so only where none of its tries can have been applied. */
  async #superseded(write: Write, looked: boolean, until: number): Promise<'replaced' | 'gone' | 'superseded'> {
    const { doubtful } = write
    const found = !looked && doubtful.length && (await this.lookFor(write, until))
    if (found) return found
    const { revision } = this.held!.record
    if (doubtful.some((tried) => tried > revision))
      throw new SessError('unknown_outcome', 'a write was sent, and its secret expired before the answer', this.names)
    return this.#is('superseded')
  }

  /** The record that a write makes of the one that is held. */
  #next({ id, rotation }: Write, content: Content, now: number): Packed {
    const { key, record, envelope } = this.held!
    const revision = record.revision + 1
    const { settings } = this.context
    const { secret, keepFor = 0, signIn } = rotation ?? {}
    const terms = signIn
      ? {
          ...signIn,
          authenticatedAt: now,
          absoluteAt: now + signIn.absoluteTimeout,
          label: signIn.label ?? envelope.label,
          client: signIn.client ?? envelope.client,
        }
      : settings.termsOf?.(content.data, envelope)
    const draft: Draft = {
      ...envelope,
      ...terms,
      earlier: withoutPassedWindows(envelope.earlier, now),
      ...(secret && { digest: digestOf(secret), earlier: rotatedAway(envelope, now, keepFor) }),
      writes: marked(envelope, id),
    }
    const { idleTimeout, absoluteAt } = draft
    // Another server's clock may run ahead of this one's: a write under the same terms never shortens a life.
    const expiresAt = Math.max(expiryOf(idleTimeout, absoluteAt, now), terms ? 0 : record.expiresAt)
    return pack(settings, key, { ...record, revision, expiresAt }, draft, content)
  }

  #landed({ rotation }: Write, held: Held): void {
    this.#hold(held, rotation?.secret)
    if (held.envelope.marker) this.#is('superseded')
  }

  /** Goes on with a record as it was written, and with its new secret. */
  #hold(held: Held, secret?: string): void {
    this.held = held
    this.issued = this.context.cookieOf(held, secret) ?? this.issued
    if (!secret) return
    this.mode = 'current'
    this.digest = digestOf(secret)
  }

  #is<M extends Mode>(mode: M): M {
    this.mode = mode
    this.issued = undefined
    return mode
  }
}

/** Lets other processes' writes go ahead: the longer, the more often they came between; at most 100 ms. */
function aWhile(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, 100)))
}

/** When a session ends unless it is used: the earlier of idle and absolute. An idle timeout of 0 does not slide. */
export function expiryOf(idleTimeout: number, absoluteAt: number, now: number): number {
  return idleTimeout ? Math.min(now + idleTimeout, absoluteAt) : absoluteAt
}
