import type { OutcomeStatus } from './api.ts'
import { isUnknown, mayRetry } from './calls.ts'
import { pack, written, type Content, type DecodedRecord } from './codec.ts'
import { applyWrite } from './compare-and-set.ts'
import type { Context } from './context.ts'
import { changed, changesBetween, copy, type Plain } from './data.ts'
import { SessError } from './error.ts'
import { settleConflicts } from './merge.ts'
import type { Terms } from './settings.ts'
import { RecordAccess, type Opened } from './record-access.ts'
import { draftOf, expiryOf } from './revisions.ts'
import type { SessionKey } from './store.ts'
import { handleOf, newWriteId, WRITE_ID } from './token.ts'
import { remembers } from './write-log.ts'
import { newWrite, type Write } from './write.ts'

/** The session of one request, with an ID that another library made. */
export interface ExternalIdSession {
  /** The name of the session in logs. It is no credential. */
  readonly handle: string
  /** A new copy of the data that was last loaded or written, which you may change; `{}` while nothing is stored. */
  readonly data: Plain
  /** Identifies the session and its last write, to recognise a copy of this state; undefined while nothing is stored. */
  readonly version: string | undefined
  /** When the session ends if nobody uses it, in ms since the epoch; undefined while nothing is stored. */
  readonly expiresAt: number | undefined
  /** False if the session is stored and {@link touch} would do nothing. */
  readonly needsTouch: boolean
  /**
   * Writes the top-level changes since `data` was loaded or last saved, by compare-and-set. If another request wrote meanwhile, the
   * changes are merged into the stored data. Without changes it touches the session, if that is due.
   *
   * @param data - Do not change it after the call.
   * @returns `created` for a session that was never loaded. `gone` if a loaded session has ended: it is not created again. `saved`
   *   also if `lifeOf` gave an end that has passed, which ends the session.
   * @throws {SessError} As `Session.commit`; also `conflict` if another session is stored under the ID of a new session.
   */
  save(data: Readonly<Plain>): Promise<OutcomeStatus>
  /** Touches the session, if that is due. If the answer to a save was lost, it settles this save first. */
  touch(): Promise<OutcomeStatus>
}

/** A write of this session, and the data that was passed to `save`. */
interface Pending {
  readonly write: Write
  readonly data: Readonly<Plain>
}

/** Implements {@link ExternalIdSession}. */
export class LiveExternalIdSession implements ExternalIdSession {
  readonly #context: Context
  readonly #domain: string
  readonly #key: SessionKey
  readonly #record: RecordAccess
  /** The ID of the create, once it was tried. */
  #writeId: string | undefined
  /** The data as it was last loaded or saved. */
  #base: Readonly<Plain>
  /** A create was sent, and its answer never came. */
  #doubtful = false
  /** A replace was sent, and its answer never came. */
  #unsettled: Pending | undefined
  #last: Promise<unknown> | undefined
  #running = 0

  constructor(context: Context, domain: string, key: SessionKey, held?: DecodedRecord) {
    this.#context = context
    this.#domain = domain
    this.#key = key
    this.#record = new RecordAccess(context, held && openedWithoutSecret(held))
    this.#base = held?.content.data ?? {}
  }

  get handle(): string {
    return handleOf(this.#key)
  }

  get data(): Plain {
    return copy(this.#base)
  }

  get version(): string | undefined {
    const { held } = this.#record
    return held && handleOf(this.#key) + held.envelope.writes.slice(-WRITE_ID)
  }

  get expiresAt(): number | undefined {
    return this.#record.held?.record.expiresAt
  }

  get needsTouch(): boolean {
    const { live, touchedUntil } = this.#record
    return this.#running > 0 || !live || this.#unsettled !== undefined || touchedUntil !== undefined
  }

  save(data: Readonly<Plain>): Promise<OutcomeStatus> {
    return this.#exclusively(() => this.#save(data))
  }

  touch(): Promise<OutcomeStatus> {
    return this.#exclusively(() => this.#touch())
  }

  /** Runs the operations one after the other. */
  async #exclusively(operation: () => Promise<OutcomeStatus>): Promise<OutcomeStatus> {
    const before = this.#last
    this.#running++
    const running = before ? before.then(operation, operation) : operation()
    this.#last = running
    try {
      return await running
    } finally {
      this.#running--
    }
  }

  async #save(data: Readonly<Plain>): Promise<OutcomeStatus> {
    if (!this.#record.held && !(this.#doubtful && (await this.#landed()))) return this.#create(data)
    const now = this.#context.settings.clock()
    const { idleTimeout, absoluteAt } = this.#termsOf(data, this.#record.held!.envelope.createdAt)
    if (expiryOf(idleTimeout, absoluteAt, now) <= now) return this.#end()
    const settled = this.#unsettled && (await this.#apply(this.#unsettled, true))
    const changes = changesBetween(this.#base, data)
    if (changes.size) return await this.#apply({ write: this.#writeOf(changes), data })
    return settled ?? (await this.#touch())
  }

  /** A write of some keys. Changes of other requests to other keys stay. */
  #writeOf(changes: Map<string, unknown>): Write {
    let seen = this.#record.held!.content
    const compose = (stored: Content): Content => {
      if (stored !== seen) settleConflicts(this.#context, this.#record.names, changes, seen, stored)
      seen = stored
      return { data: changed(stored.data, changes), flash: stored.flash }
    }
    return newWrite(compose)
  }

  async #apply(pending: Pending, doubted = false): Promise<OutcomeStatus> {
    const { write, data } = pending
    this.#unsettled = undefined
    if (!this.#record.live) return 'gone'
    try {
      if ((await applyWrite(this.#record, write, doubted)) !== 'replaced') return 'gone'
      this.#base = data
    } catch (error) {
      if (write.lost) this.#base = data
      else if (write.doubtful.length) this.#unsettled = pending
      throw error
    }
    return 'saved'
  }

  async #touch(): Promise<OutcomeStatus> {
    if (this.#unsettled) return this.#apply(this.#unsettled, true)
    const status = await this.#record.touch()
    // Superseded: there is a marker in place of the session.
    return status === 'superseded' ? 'gone' : status
  }

  /** Retries only if the store says that it did nothing: any other retry could be applied after the session was ended. */
  async #create(data: Readonly<Plain>): Promise<OutcomeStatus> {
    const { calls, events, settings } = this.#context
    const { store } = settings
    const now = settings.clock()
    this.#writeId ??= newWriteId()
    const draft = { ...draftOf(now), ...this.#termsOf(data, now), writes: this.#writeId, label: this.#domain }
    const expiresAt = expiryOf(draft.idleTimeout, draft.absoluteAt, now)
    if (expiresAt <= now) return this.#end()
    const held = pack(settings, this.#key, { revision: 1, expiresAt }, draft, { data: copy(data), flash: {} })
    const send = (): Promise<boolean> =>
      calls.tell('create', this.#key, (at) => store.create(this.#key, held.record, at))
    this.#base = data
    try {
      const created = await send().catch((error: unknown) => {
        if (isUnknown(error) || !mayRetry(error)) throw error
        return send()
      })
      if (!created) return await this.#taken()
    } catch (error) {
      this.#doubtful ||= isUnknown(error)
      throw error
    }
    this.#record.open(openedWithoutSecret(written(held)))
    events.emit('created', { handle: this.handle })
    return 'created'
  }

  /** Settles a create whose answer was lost. @throws {SessError} `unknown_outcome` while it may still be applied. */
  async #landed(): Promise<boolean> {
    const held = await this.#context.read(this.#key, true)
    if (!held || !remembers(held.envelope, this.#writeId!))
      throw new SessError(
        'unknown_outcome',
        'a new session was sent to the store, and the answer never came; the session is not sent again under its ID',
        { handle: this.handle },
      )
    this.#record.open(openedWithoutSecret(held))
    return true
  }

  async #taken(): Promise<OutcomeStatus> {
    if ((await this.#context.read(this.#key, true))?.envelope.marker) return 'gone'
    throw new SessError(
      'conflict',
      'a session is stored under this ID, and the saved data was not loaded from it; load the session and change it. Nothing was written',
      { handle: this.handle },
    )
  }

  #termsOf(data: Readonly<Plain>, createdAt: number): Terms {
    return this.#context.settings.termsOf!(data, { createdAt, idleTimeout: -1, absoluteAt: -1 })!
  }

  /** Ends a session whose end, by `lifeOf`, has passed. */
  async #end(): Promise<OutcomeStatus> {
    const { calls, events, settings } = this.#context
    const went = await calls.tell('delete', this.#key, (now) => settings.store.delete(this.#key, now), 2)
    if (went) events.emit('logout', { handle: this.handle })
    return 'saved'
  }
}

/** Opens a record without a secret, since the ID alone gives access. */
function openedWithoutSecret(held: DecodedRecord): Opened {
  return { verdict: 'current', digest: '', held }
}
