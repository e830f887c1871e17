import { Calls } from './calls.ts'
import { Codec } from './codec.ts'
import { copy, isPlain, type Plain } from './data.ts'
import { SessError } from './error.ts'
import { Events } from './events.ts'
import { invalid, type Settings } from './options.ts'
import type { SchemaIssue } from './schema.ts'
import { subjectTag } from './token.ts'

const LONGEST_SUBJECT = 1024

/** What all sessions of one `createSessions` share. */
export class Context {
  readonly settings: Settings
  readonly events: Events
  readonly calls: Calls
  readonly codec: Codec

  constructor(settings: Settings) {
    this.settings = settings
    this.events = new Events(settings.log)
    this.calls = new Calls(settings.store, settings.clock, settings.storeTimeout, this.events)
    this.codec = new Codec(settings)
  }

  now(): number {
    return this.settings.clock()
  }

  /** The tags of a subject, one for each pepper, newest first. @throws {SessError} `invalid_option`. */
  tags(subject: string): readonly string[] {
    if (
      typeof subject !== 'string' ||
      subject === '' ||
      !subject.isWellFormed() ||
      Buffer.byteLength(subject) > LONGEST_SUBJECT
    )
      throw invalid('subject', `must be text of 1 to ${LONGEST_SUBJECT} bytes of UTF-8: your user's ID, as a string`)
    return this.settings.peppers.map((pepper) => subjectTag(subject, pepper))
  }

  /** A new session's data. @throws {SessError} `invalid_option` if the schema does not make it of `{}`. */
  async blank(): Promise<Plain> {
    try {
      return await this.shaped({})
    } catch (cause) {
      if (!(cause instanceof SessError)) throw cause
      throw new SessError(
        'invalid_option',
        `schema must accept {}, a new session's data; give its fields defaults or make them optional (${cause.message})`,
        { cause },
      )
    }
  }

  /** Stored data as the user sees it: a copy, or what the schema makes of one. @throws {SessError} `invalid_data`. */
  async shaped(stored: Plain): Promise<Plain> {
    const { schema } = this.settings
    if (!schema) return copy(stored)
    const result = await schema['~standard'].validate(copy(stored))
    if (result.issues)
      throw new SessError(
        'invalid_data',
        `the session's data does not match the schema: ${result.issues.map(described).join('; ')}. Nothing was written`,
      )
    // A copy again: a schema may hand out its own default objects.
    if (isPlain(result.value)) return copy(result.value)
    throw new SessError('invalid_option', 'schema must make a plain object of the data')
  }
}

function described({ path, message }: SchemaIssue): string {
  const keys = path?.map((part) => String(typeof part === 'object' ? part.key : part)) ?? []
  return `${['data', ...keys].join('.')}: ${message}`
}
