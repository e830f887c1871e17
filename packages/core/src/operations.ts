import type { LoginOptions, Outcome, OutcomeStatus, RegenerateOptions } from './api.ts'
import { namesOf, NO_CONTENT, type DecodedRecord } from './codec.ts'
import { applyWrite, lookFor } from './compare-and-set.ts'
import type { Context } from './context.ts'
import { equal } from './data.ts'
import { milliseconds } from './duration.ts'
import { isSessError, SessError } from './error.ts'
import { carrying, signIn } from './login.ts'
import { OperationQueue } from './operation-queue.ts'
import { checkOptions, invalid } from './option-check.ts'
import type { RecordAccess } from './record-access.ts'
import { SUPERSEDED_KNOWN_MS } from './secrets.ts'
import type { SessionFailure } from './session-binding.ts'
import { signInOf } from './sign-in.ts'
import { newSecret } from './token.ts'
import { checkChange, type Change, type PendingWrite, type Snapshot, type WorkingCopy } from './working-copy.ts'

/** Codes of errors that an operation throws before it looks at pending changes. */
const TRIED_NOTHING = ['invalid_option', 'response_started', 'session_destroyed'] as const

/** The operations of one session. They run one after the other; each consists of writes. */
export class Operations {
  readonly #context: Context
  readonly #record: RecordAccess
  readonly #copy: WorkingCopy
  readonly #queue: OperationQueue
  /** A write whose answer never came. */
  #unsettled: PendingWrite | undefined
  #others: readonly DecodedRecord[] = []
  #startedAt: number
  #removesCookie = false
  #cookieClosed = false
  #failure: { readonly error: unknown; readonly since: Snapshot } | undefined

  /** @param reported - Whether a later commit reports an operation that failed and that nobody awaited. */
  constructor(context: Context, record: RecordAccess, copy: WorkingCopy, reported: () => boolean) {
    this.#context = context
    this.#record = record
    this.#copy = copy
    this.#queue = new OperationQueue(reported)
    this.#startedAt = context.settings.clock()
  }

  /** When a session that is not stored yet began, in ms since the epoch. */
  get startedAt(): number {
    return this.#startedAt
  }

  /** True if the response must remove the cookie of a session that this request ended. */
  get removesCookie(): boolean {
    return this.#removesCookie
  }

  /** True if a commit has something to do besides changes of data and a touch. */
  get pending(): boolean {
    return this.#queue.busy || this.#unsettled !== undefined || this.#record.reserved !== undefined
  }

  get running(): boolean {
    return this.#queue.running
  }

  get failure(): SessionFailure | undefined {
    if (!this.#failure) return undefined
    const { error, since } = this.#failure
    return { error, heard: !this.#queue.failedUnheard, changed: this.#copy.changedSince(since) }
  }

  /** Adds further sessions that the request's cookies open. `logout` and `destroy` end them too. */
  endsAlso(others: readonly DecodedRecord[]): void {
    this.#others = others
  }

  /** The digest of the session's current secret. For a new session, it makes a secret, and the next commit creates the session. */
  presentDigest(): string | undefined {
    const record = this.#record
    if (record.mode === 'new' && record.reserved === undefined) {
      this.#needCookie('what is derived from the secret of a new session')
      record.reserve()
    }
    return record.digests[0]
  }

  closeCookie(): void {
    this.#cookieClosed = true
  }

  commit(): Promise<Outcome> {
    // Collect them now: an `await` that comes later is too late, because the response is being sent.
    const settleUnheard = this.#queue.unheard()
    return this.#run(async () => {
      await settleUnheard?.()
      const settled = this.#unsettled && (await this.#apply(this.#unsettled, true))
      const changes = this.#copy.pendingChanges()
      if (changes) return await this.#write(await changes)
      if (this.#record.reserved !== undefined) return await this.#write(await this.#copy.pending())
      return settled ?? (await this.#record.touch())
    })
  }

  update(change: Change): Promise<Outcome> {
    return this.#observed(async () => {
      checkChange(change)
      if (this.#unsettled) {
        // The caller asks for another write. If the unsettled write was applied, take over its result first.
        const { write } = this.#unsettled
        if ((await lookFor(this.#record, { ...write, doubtful: [] })) === 'replaced')
          await this.#follow(this.#unsettled)
        this.#unsettled = undefined
      }
      const status = await this.#write(await this.#copy.pending(change))
      return status === 'unchanged' ? this.#record.touch() : status
    })
  }

  regenerate(options: RegenerateOptions = {}): Promise<Outcome> {
    return this.#observed(async () => {
      checkOptions(options, 'regenerate()', { keepOldFor: true })
      const { keepOldFor } = options
      const keepFor = keepOldFor === undefined ? 0 : milliseconds(keepOldFor, 'keepOldFor', { zero: true })
      if (keepFor > SUPERSEDED_KNOWN_MS) throw invalid('keepOldFor', 'must be at most 60s')
      if (this.#record.mode !== 'current') return this.#record.idle
      this.#needCookie('regenerate()')
      const pending = await this.#copy.pending()
      const rotation = { secret: newSecret(), keepFor }
      const status = await this.#apply({ ...pending, write: { ...pending.write, rotation } })
      if (status === 'saved') this.#context.events.emit('rotated', this.#record.names)
      return status
    })
  }

  login(subject: string, options: LoginOptions = {}): Promise<Outcome> {
    return this.#observed(async () => {
      const tag = this.#context.tags(subject)[0]!
      const owner = { subject, tag, signIn: signInOf(options, this.#context.settings) }
      this.#needCookie('login()')
      const previous = this.#record.handle
      const pending = carrying(this.#record, await this.#copy.pending())
      const status = await signIn(this.#record, owner, pending.write)
      await this.#follow(pending)
      const { names } = this.#record
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
      await this.#end()
      this.#record.startOver()
      this.#startedAt = this.#context.settings.clock()
      if (this.#record.mode !== 'destroyed') this.#copy.startOver(await this.#context.blank())
    })
  }

  destroy(): Promise<void> {
    return this.#ending(async () => {
      await this.#end()
      this.#record.close()
    })
  }

  /** Runs an operation after those before it. If it fails and nobody awaits it, the next commit fails. */
  #observed(operation: () => Promise<OutcomeStatus>): Promise<Outcome> {
    return this.#queue.observe(this.#run(operation))
  }

  #ending(operation: () => Promise<void>): Promise<void> {
    const ending = this.#run(async () => {
      await operation()
      return 'gone'
    })
    return this.#queue.observe(ending.then(() => {}))
  }

  #run(operation: () => Promise<OutcomeStatus>): Promise<Outcome> {
    return this.#queue.add(async () => {
      try {
        const status = await operation()
        this.#failure = undefined
        const { issued } = this.#record
        return issued === undefined ? { status } : { status, cookieValue: issued }
      } catch (error) {
        if (isSessError(error) && !isSessError(error, ...TRIED_NOTHING))
          this.#failure = { error, since: this.#copy.snapshot() }
        throw error
      }
    })
  }

  #needCookie(what: string): void {
    if (this.#cookieClosed)
      throw new SessError(
        'response_started',
        `${what} must set a cookie, and the response has started; do it earlier. Nothing was written`,
      )
  }

  #write(pending: PendingWrite): Promise<OutcomeStatus> {
    return this.#record.live ? this.#apply(pending) : this.#create(pending)
  }

  async #create(pending: PendingWrite): Promise<OutcomeStatus> {
    const record = this.#record
    if (record.mode !== 'new') return record.idle
    const content = await pending.write.compose(NO_CONTENT)
    if (record.reserved === undefined && equal(content, NO_CONTENT)) return 'unchanged'
    this.#needCookie('a new session')
    await record.create(pending.write, content)
    await this.#follow(pending)
    return 'created'
  }

  async #apply(pending: PendingWrite, doubted = false): Promise<OutcomeStatus> {
    const { write } = pending
    this.#unsettled = undefined
    try {
      const applied = await applyWrite(this.#record, write, doubted)
      if (applied === 'replaced') await this.#follow(pending)
      return applied === 'replaced' ? 'saved' : applied === 'kept' ? 'unchanged' : applied
    } catch (error) {
      if (write.lost) await this.#follow(pending)
      else if (write.doubtful.length) this.#unsettled = pending
      throw error
    }
  }

  #follow(pending: PendingWrite): Promise<void> | undefined {
    const { live } = this.#record
    if (live) {
      this.#removesCookie = false
      this.#unsettled = undefined
    }
    return this.#copy.follow(pending, live)
  }

  async #end(): Promise<void> {
    // The other sessions first: if one of them cannot be ended, this session still exists, and the caller can try again.
    const { calls, events, settings } = this.#context
    for (const other of this.#others) {
      await calls.tell('delete', other.key, (at) => settings.store.delete(other.key, at), 2)
      events.emit('logout', namesOf(other))
    }
    this.#others = []
    if ((await this.#record.end()) && !this.#cookieClosed) this.#removesCookie = true
    this.#unsettled = undefined
    this.#copy.end()
  }
}
