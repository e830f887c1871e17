import { createHash } from 'node:crypto'
import { SessError } from './error.ts'
import type { Context } from './context.ts'
import { asExpected, type SessionKey, type SessionRecord, type Subject } from './store.ts'
import { parseHandle } from './token.ts'

/**
 * A list of sessions with external IDs, made of what every store that lists has: for each session a record under one tag and one
 * subject, whose payload is the session's tag. It is there before the session is, and goes after it.
 */
export class ExternalIdIndex {
  readonly #context: Context
  readonly #subject: Subject

  /** @throws {SessError} `unsupported` where the store cannot list. */
  constructor(context: Context, domain: string) {
    const { store } = context.settings
    if (!store.list)
      throw new SessError('unsupported', `the ${store.name} store cannot list; leave out the option index`)
    this.#context = context
    this.#subject = { id: domain, tag: createHash('sha256').update(`${domain}/index`).digest('base64url').slice(0, 12) }
  }

  /** An entry that is there already is moved. */
  async add(key: SessionKey, expiresAt: number): Promise<void> {
    const { calls, settings } = this.#context
    const entry = this.#entryOf(key)
    const record = { ...this.#recordOf(expiresAt), payload: Buffer.from(key.tag) }
    const made = await calls.tell('index', entry, (now) => settings.store.create(entry, record, now), 2)
    if (!made)
      await calls.tell('index', entry, (now) => settings.store.touch(entry, asExpected(record), expiresAt, now), 2)
  }

  /** Lets an entry live as long as its session; one that is lost is made again. */
  async touch(key: SessionKey, expiresAt: number): Promise<void> {
    const { calls, settings } = this.#context
    const entry = this.#entryOf(key)
    const record = this.#recordOf(expiresAt)
    const answer = await calls.tell(
      'index',
      entry,
      (now) => settings.store.touch(entry, asExpected(record), expiresAt, now),
      2,
    )
    if (answer === 'missing') await this.add(key, expiresAt)
  }

  async remove(key: SessionKey): Promise<void> {
    const { calls, settings } = this.#context
    const entry = this.#entryOf(key)
    await calls.tell('index', entry, (now) => settings.store.delete(entry, now), 2)
  }

  /** The keys of the sessions. One that has just ended may still be among them. */
  async *keys(): AsyncIterable<SessionKey> {
    const { calls, settings } = this.#context
    const entries = calls.askInPages('index', (now) => settings.store.list!(this.#subject, now))
    for await (const [{ id }, { payload }] of entries) {
      const key = parseHandle(Buffer.from(payload).toString('latin1') + id)
      if (key) yield key
    }
  }

  #entryOf({ id }: SessionKey): SessionKey {
    return { tag: this.#subject.tag, id }
  }

  #recordOf(expiresAt: number): SessionRecord {
    return { revision: 1, expiresAt, subject: this.#subject.id, payload: new Uint8Array() }
  }
}
