import { Calls } from './calls.ts'
import { unpack, type Content, type DecodedRecord } from './codec.ts'
import { copy, isPlain, type Plain } from './data.ts'
import type { Envelope } from './envelope.ts'
import { SessError } from './error.ts'
import { Events } from './events.ts'
import { invalid } from './option-check.ts'
import type { Settings } from './settings.ts'
import { LONGEST_SUBJECT } from './record.ts'
import type { SchemaIssue } from './schema.ts'
import type { AnyRecord, SessionKey, SessionRecord } from './store.ts'
import { handleOf, subjectTag } from './token.ts'
import { WriteQueue } from './write-queue.ts'

/** What all sessions of one `createSessions` share: settings, events, calls of the store, and the write queue. */
export class Context {
  readonly settings: Settings
  readonly events: Events
  readonly calls: Calls
  readonly writes: WriteQueue = new WriteQueue()

  constructor(settings: Settings, events: Events = new Events(settings.log)) {
    this.settings = settings
    this.events = events
    this.calls = new Calls(settings.clock, settings.storeTimeout, this.events)
  }

  /**
   * Reads a record. Undefined if there is no live record, or if its bytes are damaged.
   *
   * @param fresh - Reads past any cache.
   * @param until - The deadline of the read, as a time of performance.now().
   * @throws {SessError} `store_unavailable`, `configuration`.
   */
  async read(key: SessionKey, fresh: boolean, until?: number): Promise<DecodedRecord | undefined> {
    const { store } = this.settings
    let now = 0
    const record = await this.calls.ask('read', key, (at) => store.read(key, (now = at), { fresh }), until)
    if (!record) return void (fresh || this.events.emit('rejected', { reason: 'unknown' }))
    return this.opened(key, record, now)
  }

  /** Decodes a record. Undefined, with a `rejected` event, if it has ended or is damaged. @throws {SessError} `configuration`. */
  opened(key: SessionKey, record: AnyRecord, now: number): DecodedRecord | undefined {
    const held = record.expiresAt <= now ? null : unpack(this.settings, key, record)
    if (held && !this.isOver(held.envelope, now)) return held
    this.events.emit('rejected', {
      reason: held === undefined ? 'undecodable' : 'expired',
      handle: handleOf(key),
    })
    return undefined
  }

  /**
   * True for a session that has ended by its absolute timeout or by `notBefore`, even if its record has not expired. The absolute
   * time is in the envelope, so that no store can prolong it. A marker may outlive it.
   */
  isOver({ marker, createdAt, absoluteAt }: Envelope, now: number): boolean {
    const { notBefore } = this.settings
    return (!marker && !(now < absoluteAt)) || (createdAt < notBefore && notBefore <= now)
  }

  /**
   * Refuses a signed-in record whose tag does not match any pepper: it would be missing from lists, and revocations of the user
   * would not end it.
   *
   * @throws {SessError} `configuration`.
   */
  checkTag({ key, record: { subject } }: DecodedRecord): void {
    const { peppers } = this.settings
    if (subject === undefined || peppers.some((pepper) => subjectTag(subject, pepper) === key.tag)) return
    throw new SessError(
      'configuration',
      'a stored session was made under another pepper; list it in pepper, or false where there was none. Nothing was written',
      { handle: handleOf(key) },
    )
  }

  /** Lists a subject's records, under each pepper. @throws {SessError} The store's own code. */
  async *recordsOf(subject: string, operation: string): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { store } = this.settings
    for (const tag of this.tags(subject))
      yield* this.calls.askInPages(operation, (now) => store.list!({ id: subject, tag }, now))
  }

  /** The new cookie value after a write that made a new secret; undefined: the browser's cookie stays. */
  cookieOf({ key }: DecodedRecord, newSecret: string | undefined): string | undefined {
    return newSecret && handleOf(key) + newSecret
  }

  /** The tags of a subject, one per pepper, newest first. @throws {SessError} `invalid_option` for a subject of a wrong type or size. */
  tags(subject: string): readonly string[] {
    if (
      typeof subject !== 'string' ||
      !subject ||
      !subject.isWellFormed() ||
      Buffer.byteLength(subject) > LONGEST_SUBJECT
    )
      throw invalid('subject', `must be your user's ID: text of 1 to ${LONGEST_SUBJECT} bytes`)
    return this.settings.peppers.map((pepper) => subjectTag(subject, pepper))
  }

  /** The data of a new session: `{}`, or the schema's output for `{}`. @throws {SessError} `invalid_option` if the schema refuses `{}`. */
  async blank(): Promise<Plain> {
    try {
      return await this.shaped({})
    } catch (cause) {
      throw new SessError(
        'invalid_option',
        "schema must accept {}, a new session's data: make fields optional, or give defaults",
        { cause },
      )
    }
  }

  /**
   * Returns stored data as the application sees it. If the data does not fit the schema, it emits an `error` event and returns the
   * error. It does not throw: after a deploy with a new schema, users with old data must still be able to sign in and out.
   */
  async fit(
    { content, ...held }: Pick<DecodedRecord, 'key' | 'record' | 'content'>,
    operation: string,
  ): Promise<Plain | SessError> {
    try {
      return await this.dataOf(content)
    } catch (cause) {
      const error =
        cause instanceof SessError
          ? cause
          : new SessError('invalid_data', 'the schema threw an error for the data of a session', { cause })
      this.events.emit('error', { code: error.code, operation, error, handle: handleOf(held.key) })
      return error
    }
  }

  /** The data of stored content, as the application sees it. @throws {SessError} `invalid_data`. */
  async dataOf({ data, unmigrated }: Content): Promise<Plain> {
    if (unmigrated)
      throw new SessError(
        'invalid_data',
        `migrate threw an error for the data of a session of schemaVersion ${unmigrated.version}; assign session.data to replace it`,
        { cause: unmigrated.error },
      )
    return this.shaped(data)
  }

  /** Data as the application sees it: a copy, or the schema's output for a copy. @throws {SessError} `invalid_data`. */
  async shaped(stored: Plain): Promise<Plain> {
    const { schema } = this.settings
    if (!schema) return copy(stored)
    const result = await schema['~standard'].validate(copy(stored))
    if (result.issues)
      throw new SessError('invalid_data', `the schema refuses ${result.issues.map(pathOf).join(', ')}`, {
        cause: new Error(result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`).join('; ')),
      })
    if (!isPlain(result.value)) throw invalid('schema', 'must return a plain object')
    // Another copy: a schema may return its own default objects.
    return copy(result.value)
  }
}

function pathOf({ path = [] }: SchemaIssue): string {
  return ['data', ...path.map((part) => String(typeof part === 'object' ? part.key : part))].join('.')
}
