import type { Session, SessionInfo, Sessions } from './api.ts'
import { Context } from './context.ts'
import type { Plain } from './data.ts'
import { SessError } from './error.ts'
import { invalid, settingsOf, type BaseOptions, type SessionsOptions } from './options.ts'
import type { DataSchema } from './schema.ts'
import { judge } from './secrets.ts'
import type { Serializer, SerializerOption } from './serializer.ts'
import { LiveSession } from './session.ts'
import type { SessionKey } from './store.ts'
import { digestOf, handleOf, parseHandle, parseToken } from './token.ts'

const SWEEP_BATCH = 500

/**
 * Makes the sessions of one application: its store, lifetimes and rules.
 *
 * With a `schema`, `session.data` is what the schema makes of the stored data.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSessions<Output extends object>(
  options: BaseOptions & SerializerOption<Output> & { readonly schema: DataSchema<Output> },
): Sessions<Output>
/**
 * Makes the sessions of one application: its store, lifetimes and rules.
 *
 * `Data` is the type of `session.data`, whose keys are all optional: a new session has none.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions<Data>,
): Sessions<Partial<Data>>
export function createSessions(
  options: BaseOptions & {
    serializer?: Serializer | readonly Serializer[]
    schema?: DataSchema<object>
  },
): Sessions<never> {
  return new LiveSessions(new Context(settingsOf(options))) as Sessions<object> as Sessions<never>
}

class LiveSessions implements Sessions<Plain> {
  readonly #context: Context
  readonly on: Sessions['on']
  readonly emit: Sessions['emit']

  constructor(context: Context) {
    this.#context = context
    this.on = context.events.on.bind(context.events)
    this.emit = context.events.emit.bind(context.events)
  }

  async load(cookieValue: string | undefined): Promise<Session<Plain>> {
    const { calls, codec, events } = this.#context
    if (cookieValue === undefined || cookieValue === '') return this.#new()
    const token = parseToken(cookieValue)
    if (!token) {
      events.emit('rejected', { reason: 'malformed' })
      return this.#new()
    }
    const { key } = token
    const record = await calls.read(key)
    if (!record) {
      events.emit('rejected', { reason: 'unknown' })
      return this.#new()
    }
    const names = {
      handle: handleOf(key),
      ...(record.subject !== undefined && { subject: record.subject }),
    }
    const envelope = codec.decode(key, record)
    const digest = digestOf(token.secret)
    const verdict = envelope && judge(envelope, digest, this.#context.now())
    const content = envelope && verdict !== 'mismatched' ? codec.content(envelope) : undefined
    if (!envelope || !verdict || verdict === 'mismatched' || !content) {
      events.emit('rejected', {
        reason: verdict === 'mismatched' ? verdict : 'undecodable',
        ...names,
      })
      return this.#new()
    }
    const held = { key, record, envelope, content }
    if (verdict === 'superseded') {
      events.emit('rejected', { reason: verdict, ...names })
      return LiveSession.of(this.#context, verdict, digest, held, await this.#context.blank())
    }
    const data = this.#context.settings.schema ? await this.#context.shaped(content.data) : content.data
    return LiveSession.of(this.#context, verdict, digest, held, data)
  }

  async *listSubject(subject: string): AsyncIterable<SessionInfo> {
    const { calls, codec, events } = this.#context
    const { store } = calls
    if (!store.list) throw this.#unsupported('list a subject’s sessions')
    for (const tag of this.#context.tags(subject)) {
      for await (const [key, record] of store.list({ id: subject, tag }, this.#context.now())) {
        const handle = handleOf(key)
        const envelope = codec.decode(key, record)
        if (!envelope) events.emit('rejected', { reason: 'undecodable', handle, subject })
        if (!envelope || envelope.marker) continue
        const { label, client, createdAt, authenticatedAt, idleTimeout, persistent } = envelope
        const { expiresAt } = record
        yield {
          handle,
          label,
          client,
          createdAt,
          authenticatedAt,
          expiresAt,
          lastSeenAt: idleTimeout ? expiresAt - idleTimeout : undefined,
          persistent,
        }
      }
    }
  }

  async revoke(handle: string, options: { readonly subject?: string } = {}): Promise<boolean> {
    const { calls, events } = this.#context
    const key = typeof handle === 'string' ? parseHandle(handle) : undefined
    if (!key) return false
    if (options.subject !== undefined) {
      this.#context.tags(options.subject)
      const record = await calls.read(key, true)
      if (record?.subject !== options.subject) return false
    }
    const gone = await calls.delete(key)
    if (gone) events.emit('revoked', { handle, ...options })
    return gone
  }

  async revokeSubject(
    subject: string,
    options: { readonly except?: Session<Plain> | string } = {},
  ): Promise<number | undefined> {
    const { calls, events } = this.#context
    const { store } = calls
    if (!store.deleteSubject) throw this.#unsupported('revoke a subject’s sessions')
    const except = this.#exceptKey(options.except)
    let count: number | undefined = 0
    for (const tag of this.#context.tags(subject)) {
      const went = await calls.again('deleteSubject', undefined, (now) =>
        store.deleteSubject!({ id: subject, tag }, now, except),
      )
      count = went === undefined || count === undefined ? undefined : count + went
    }
    events.emit('revoked', { subject, ...(count !== undefined && { count }) })
    return count
  }

  async count(): Promise<number> {
    const { calls } = this.#context
    if (!calls.store.count) throw this.#unsupported('count sessions')
    return calls.whole('count', (now) => calls.store.count!(now))
  }

  async sweep(): Promise<number> {
    const { calls } = this.#context
    let total = 0
    if (!calls.store.sweep) return total
    for (;;) {
      const swept = await calls.whole('sweep', (now) => calls.store.sweep!(now, SWEEP_BATCH))
      total += swept
      if (swept < SWEEP_BATCH) return total
    }
  }

  async #new(): Promise<Session<Plain>> {
    return new LiveSession(this.#context, await this.#context.blank())
  }

  #exceptKey(except: Session<Plain> | string | undefined): SessionKey | undefined {
    if (except === undefined) return undefined
    if (typeof except !== 'string') return LiveSession.keyOf(except)
    const key = parseHandle(except)
    if (!key) throw invalid('except', 'is no handle; pass a session, or a handle from listSubject. Nothing was revoked')
    return key
  }

  #unsupported(what: string): SessError {
    const { store } = this.#context.settings
    return new SessError(
      'unsupported',
      `the ${store.name} store cannot ${what}; use a store whose traits.subjects says it can`,
    )
  }
}
