import type { OutcomeStatus } from './api.ts'
import { isUnknown, mayRetry } from './calls.ts'
import { pack, type Draft, type Held } from './codec.ts'
import type { Context } from './context.ts'
import { changed, changesBetween, copy, type Plain } from './data.ts'
import { remembers } from './envelope.ts'
import { SessError } from './error.ts'
import type { ExternalIdIndex } from './external-id-index.ts'
import type { ExternalIdSession } from './external-ids.ts'
import type { Terms } from './options.ts'
import { KNOWN_FOR } from './secrets.ts'
import { LiveSession } from './session.ts'
import type { SessionKey } from './store.ts'
import { expiryOf } from './stored.ts'
import { handleOf, newWriteId } from './token.ts'

/** What a request knows of a session with an external ID, and how it writes to it. */
export class LiveExternalIdSession implements ExternalIdSession {
  readonly #context: Context
  readonly #index: ExternalIdIndex | undefined
  readonly #key: SessionKey
  /** Of the create, once that was tried. */
  #writeId: string | undefined
  readonly data: Plain
  /** As last loaded or given. */
  #base: Readonly<Plain>
  #session: LiveSession | undefined
  /** A create was sent, and its answer never came. */
  #doubtful = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(context: Context, index: ExternalIdIndex | undefined, key: SessionKey, held?: Held) {
    this.#context = context
    this.#index = index
    this.#key = key
    this.#base = held?.content.data ?? {}
    this.data = copy(this.#base)
    if (held) this.#adopt(held)
  }

  get handle(): string {
    return handleOf(this.#key)
  }

  get expiresAt(): number | undefined {
    return this.#session?.expiresAt
  }

  save(data: Readonly<Plain>): Promise<OutcomeStatus> {
    return this.#exclusively(() => this.#save(data))
  }

  touch(): Promise<OutcomeStatus> {
    return this.#exclusively(async () => (this.#session ? this.#commit(this.#session) : 'unchanged'))
  }

  /** Runs the operations one after the other. */
  #exclusively(operation: () => Promise<OutcomeStatus>): Promise<OutcomeStatus> {
    const result = this.#last.then(operation)
    this.#last = result.catch(() => {})
    return result
  }

  async #save(data: Readonly<Plain>): Promise<OutcomeStatus> {
    if (!this.#session && !(this.#doubtful && (await this.#landed()))) return this.#create(data)
    const session = this.#session!
    const now = this.#context.settings.clock()
    const { idleTimeout, absoluteAt } = this.#termsOf(data, session.createdAt)
    if (expiryOf(idleTimeout, absoluteAt, now) <= now) return this.#delete()
    const changes = changesBetween(this.#base, data)
    this.#base = data
    if (changes.size) session.data = changed(session.data, changes)
    return this.#commit(session)
  }

  async #commit(session: LiveSession): Promise<OutcomeStatus> {
    const before = session.expiresAt
    const { status } = await session.commit()
    if (session.handle && session.expiresAt !== before) await this.#index?.touch(this.#key, session.expiresAt)
    return status
  }

  /** Sent again only where the store says that it did nothing: otherwise it could land after the session was ended. */
  async #create(data: Readonly<Plain>): Promise<OutcomeStatus> {
    const { calls, events, settings } = this.#context
    const { store } = settings
    const now = settings.clock()
    this.#writeId ??= newWriteId()
    const draft = { ...draftOf(now), ...this.#termsOf(data, now), writes: this.#writeId }
    const expiresAt = expiryOf(draft.idleTimeout, draft.absoluteAt, now)
    if (expiresAt <= now) return this.#delete()
    const held = pack(settings, this.#key, { revision: 1, expiresAt }, draft, { data, flash: {} })
    await this.#index?.add(this.#key, expiresAt)
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
    this.#adopt(held)
    events.emit('created', { handle: this.handle })
    return 'created'
  }

  /** Settles a create without an answer. @throws {SessError} `unknown_outcome` while it may still land. */
  async #landed(): Promise<boolean> {
    const held = await this.#context.read(this.#key, true)
    if (!held || !remembers(held.envelope, this.#writeId!))
      throw new SessError(
        'unknown_outcome',
        `session ${this.handle} was sent to be created, and its answer never came; it is not sent again under its ID`,
      )
    this.#adopt(held)
    return true
  }

  async #taken(): Promise<OutcomeStatus> {
    if ((await this.#context.read(this.#key, true))?.envelope.marker) {
      await this.#index?.remove(this.#key)
      return 'gone'
    }
    throw new SessError(
      'conflict',
      `session ${this.handle} is there, and what was to be saved was not loaded from it; load it and change that. Nothing was written`,
    )
  }

  #termsOf(data: Readonly<Plain>, createdAt: number): Terms {
    return this.#context.settings.termsOf!(data, { createdAt, idleTimeout: -1, absoluteAt: -1 })!
  }

  async #delete(): Promise<OutcomeStatus> {
    const { calls, settings } = this.#context
    await calls.tell('delete', this.#key, (now) => settings.store.delete(this.#key, now), 2)
    await this.#index?.remove(this.#key)
    return 'gone'
  }

  #adopt(held: Held): void {
    this.#session = LiveSession.of(this.#context, 'current', '', held, held.content.data)
    this.#session.markUsed()
  }
}

/** An envelope of a session that has no secret. */
export function draftOf(now: number): Draft {
  return {
    marker: false,
    persistent: true,
    createdAt: now,
    authenticatedAt: 0,
    absoluteAt: now + KNOWN_FOR,
    idleTimeout: 0,
    digest: '',
    earlier: [],
    writes: '',
    label: '',
    client: {},
  }
}
