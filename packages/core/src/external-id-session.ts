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

/** A session whose ID another library made, as one request holds it. */
export interface ExternalIdSession {
  /** Names the session in logs; no credential. */
  readonly handle: string
  /** A new copy of the data as it was last loaded or written, for the holder to change; `{}` if nothing was. */
  readonly data: Plain
  /** Names the session and its last write, so that a copy of the data can be told to be of this state; undefined while nothing is stored. */
  readonly version: string | undefined
  /** When it ends unless it is used, in ms since the epoch; undefined while nothing is stored. */
  readonly expiresAt: number | undefined
  /** False while the session is there, and {@link touch} would do nothing. */
  readonly needsTouch: boolean
  /**
   * Writes the top-level changes since `data` was loaded or last given here: compare-and-set; on a conflict they are
   * merged into what is there. Without changes it moves the idle clock, if that is due. What was loaded is never created
   * again: `gone`. What was never loaded is created, once. Data that asks for a time past ends the session: `saved`.
   *
   * @param data - Handed over: not to be changed afterwards.
   * @throws {SessError} As `Session.commit`; `conflict` also when something else is there under a new session's ID.
   */
  save(data: Readonly<Plain>): Promise<OutcomeStatus>
  /** Moves the idle clock, if that is due; settles a save whose answer was lost. */
  touch(): Promise<OutcomeStatus>
}

/** A write of this session, and the data as the holder gave it. */
interface Pending {
  readonly write: Write
  readonly data: Readonly<Plain>
}

/** What a request knows of a session with an external ID, and how it writes to it. */
export class LiveExternalIdSession implements ExternalIdSession {
  readonly #context: Context
  readonly #domain: string
  readonly #key: SessionKey
  readonly #record: RecordAccess
  /** Of the create, once that was tried. */
  #writeId: string | undefined
  /** As last loaded, or as it was given when it was last written. */
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
    if (changes.size) return this.#apply({ write: this.#writeOf(changes), data })
    return settled ?? this.#touch()
  }

  /** A write of some keys, which others' changes of other keys survive. */
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
    // Superseded: a marker is in its place.
    return status === 'superseded' ? 'gone' : status
  }

  /** Sent again only where the store says that it did nothing: otherwise it could land after the session was ended. */
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

  /** Settles a create without an answer. @throws {SessError} `unknown_outcome` while it may still land. */
  async #landed(): Promise<boolean> {
    const held = await this.#context.read(this.#key, true)
    if (!held || !remembers(held.envelope, this.#writeId!))
      throw new SessError(
        'unknown_outcome',
        'the session was sent to be created, and the answer never came; it is not sent again under its ID',
        { handle: this.handle },
      )
    this.#record.open(openedWithoutSecret(held))
    return true
  }

  async #taken(): Promise<OutcomeStatus> {
    if ((await this.#context.read(this.#key, true))?.envelope.marker) return 'gone'
    throw new SessError(
      'conflict',
      'the session is there, and what was to be saved was not loaded from it; load it and change that. Nothing was written',
      { handle: this.handle },
    )
  }

  #termsOf(data: Readonly<Plain>, createdAt: number): Terms {
    return this.#context.settings.termsOf!(data, { createdAt, idleTimeout: -1, absoluteAt: -1 })!
  }

  /** Ends a session as its data asks. */
  async #end(): Promise<OutcomeStatus> {
    const { calls, events, settings } = this.#context
    const went = await calls.tell('delete', this.#key, (now) => settings.store.delete(this.#key, now), 2)
    if (went) events.emit('logout', { handle: this.handle })
    return 'saved'
  }
}

/** A record that needs no secret: whoever has the ID may use it. */
function openedWithoutSecret(held: DecodedRecord): Opened {
  return { verdict: 'current', digest: '', held }
}
