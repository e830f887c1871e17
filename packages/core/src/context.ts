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

/** What all sessions of one `createSessions` share. */
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
   * Reads a record. Undefined when there is none, or its bytes are damaged.
   *
   * @param fresh - Past any cache.
   * @param until - When the read has to have ended, by performance.now().
   * @throws {SessError} `store_unavailable`, `configuration`.
   */
  async read(key: SessionKey, fresh: boolean, until?: number): Promise<DecodedRecord | undefined> {
    const { store } = this.settings
    let now = 0
    const record = await this.calls.ask('read', key, (at) => store.read(key, (now = at), { fresh }), until)
    if (!record) return void (fresh || this.events.emit('rejected', { reason: 'unknown' }))
    return this.opened(key, record, now)
  }

  /** Decodes a record. Undefined, and an event, for one that has ended or whose bytes are damaged. @throws {SessError} `configuration`. */
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
   * True for a session that has ended, whatever its record's expiry: by its absolute time, which is the envelope's, so that
   * no store can prolong it (a marker may outlive it), or by `notBefore`.
   */
  isOver({ marker, createdAt, absoluteAt }: Envelope, now: number): boolean {
    const { notBefore } = this.settings
    return (!marker && !(now < absoluteAt)) || (createdAt < notBefore && notBefore <= now)
  }

  /**
   * A record whose tag no pepper makes of its subject would be in no list, and no revocation of the subject would end it.
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

  /** A subject's records, under each pepper. @throws {SessError} What the store says. */
  async *recordsOf(subject: string, operation: string): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { store } = this.settings
    for (const tag of this.tags(subject))
      yield* this.calls.askInPages(operation, (now) => store.list!({ id: subject, tag }, now))
  }

  /** The cookie value that a write makes the browser's old one give way to; undefined: the old one will do. */
  cookieOf({ key }: DecodedRecord, newSecret: string | undefined): string | undefined {
    return newSecret && handleOf(key) + newSecret
  }

  /** The tags of a subject, one for each pepper, newest first. @throws {SessError} `invalid_option`. */
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

  /** A new session's data. @throws {SessError} `invalid_option` if the schema does not make it of `{}`. */
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
   * Stored data as the user sees it; or why it does not fit the schema, which is reported as an `error` event: data outlives
   * deploys, and whoever it does not fit can still sign in and out.
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
          : new SessError('invalid_data', 'the schema failed at the data of a session', { cause })
      this.events.emit('error', { code: error.code, operation, error, handle: handleOf(held.key) })
      return error
    }
  }

  /** Stored content as the user sees it. @throws {SessError} `invalid_data`. */
  async dataOf({ data, unmigrated }: Content): Promise<Plain> {
    if (unmigrated)
      throw new SessError(
        'invalid_data',
        `migrate failed at the data of a session of schemaVersion ${unmigrated.version}; assign session.data to replace it`,
        { cause: unmigrated.error },
      )
    return this.shaped(data)
  }

  /** Data as the user sees it: a copy, or what the schema makes of one. @throws {SessError} `invalid_data`. */
  async shaped(stored: Plain): Promise<Plain> {
    const { schema } = this.settings
    if (!schema) return copy(stored)
    const result = await schema['~standard'].validate(copy(stored))
    if (result.issues)
      throw new SessError('invalid_data', `the schema refuses ${result.issues.map(pathOf).join(', ')}`, {
        cause: new Error(result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`).join('; ')),
      })
    if (!isPlain(result.value)) throw invalid('schema', 'must make a plain object')
    // A copy again: a schema may hand out its own default objects.
    return copy(result.value)
  }
}

function pathOf({ path = [] }: SchemaIssue): string {
  return ['data', ...path.map((part) => String(typeof part === 'object' ? part.key : part))].join('.')
}
