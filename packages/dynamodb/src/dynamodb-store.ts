import {
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { check, invalid, TABLE, type DynamodbClient } from './client.ts'
import { encode, LARGEST_PAYLOAD, live, number, purgeAt, TTL } from './item.ts'
import type { Answer } from './send.ts'
import { Table } from './table.ts'

/** Options of {@link dynamodbStore}. */
export interface DynamodbStoreOptions {
  /** The table's name, or its ARN. It must be there: see `createSessionTable`. Default: `sess_sessions`. */
  readonly table?: string
  /** The largest payload, in bytes. At most, and by default, 408,000: DynamoDB takes no item of more than 400 KB. */
  readonly maxPayloadBytes?: number
}

/** How many deletes of a revocation are on their way at once. */
const AT_ONCE = 10

/** How often a write is tried whose condition holds by the time that it is known what it met. */
const TRIES = 5

const EXPECTED = 'revision = :revision AND expiresAt > :now'

/**
 * Sessions in a table of Amazon DynamoDB.
 *
 * Reads are strongly consistent. A write is one conditional request, sent again only while it cannot have been applied.
 * Expired items are missing at once, and removed by DynamoDB later.
 *
 * @param client - A `DynamoDBClient` of AWS SDK v3, which stays yours to destroy.
 * @throws {SessError} `invalid_option`.
 */
export function dynamodbStore(client: DynamodbClient, options: DynamodbStoreOptions = {}): SessionStore {
  const { table = TABLE, maxPayloadBytes = LARGEST_PAYLOAD } = options
  check(client, table)
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > LARGEST_PAYLOAD)
    throw invalid('maxPayloadBytes', `must be a whole number from 1 to ${LARGEST_PAYLOAD}`)
  return new DynamodbStore(new Table(client, table), maxPayloadBytes)
}

class DynamodbStore implements SessionStore {
  readonly name = 'dynamodb'
  readonly traits: StoreTraits
  readonly #table: Table

  constructor(table: Table, maxPayloadBytes: number) {
    this.#table = table
    this.traits = Object.freeze<StoreTraits>({
      maxPayloadBytes,
      expiryResolutionMs: 1,
      subjects: 'list',
      expiry: 'native',
      tagIsShard: true,
      staleMs: 0,
      count: true,
    })
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    return live(await this.#table.get(key), now)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const absent = { holds: 'attribute_not_exists(id) OR expiresAt <= :now', values: { ':now': number(now) } }
    return (await this.#table.put(this.#fitting(key, record), absent)).applied
  }

  async replace(
    key: SessionKey,
    record: SessionRecord,
    { revision }: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const item = this.#fitting(key, record)
    const expected = { holds: EXPECTED, values: { ':revision': number(revision), ':now': number(now) } }
    return this.#compareAndSet('replaced', key, revision, now, Infinity, () => this.#table.put(item, expected))
  }

  async touch(
    key: SessionKey,
    expiresAt: number,
    { revision }: SessionRecord,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const earlier = {
      holds: `${EXPECTED} AND expiresAt < :expiresAt`,
      values: {
        ':revision': number(revision),
        ':now': number(now),
        ':expiresAt': number(expiresAt),
        ':purgeAt': purgeAt(expiresAt),
      },
    }
    return this.#compareAndSet('touched', key, revision, now, expiresAt, () =>
      this.#table.update(key, `expiresAt = :expiresAt, ${TTL} = :purgeAt`, earlier),
    )
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    return live((await this.#table.delete(key)).old, now) !== undefined
  }

  /** In pages of up to 1 MB: between two of them other callers, and the consumer, may write. */
  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const items of this.#table.ofSubject(tag, subject)) {
      for (const item of items) {
        const record = live(item, now)
        if (record) yield [{ tag, id: item['id']!.S! }, record]
      }
    }
  }

  /** It ends every session that was there at the start; one that signs in meanwhile may stay. */
  async deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): Promise<number> {
    const ids = this.#idsOf(tag, subject, except)
    let count = 0
    // Where one fails it closes `ids`, and so the others end too.
    const end = async (): Promise<void> => {
      for await (const id of ids) {
        const { applied, old } = await this.#table.delete({ tag, id }, subject)
        if (applied && live(old, now)) count++
      }
    }
    const failures: SessError[] = []
    for (const outcome of await Promise.allSettled(Array.from({ length: AT_ONCE }, end)))
      if (outcome.status === 'rejected') failures.push(outcome.reason as SessError)
    const cause = failures.find(({ code }) => code === 'unknown_outcome') ?? failures[0]
    if (cause && count > 0)
      throw new SessError('unknown_outcome', `only ${count} sessions were ended for certain`, { cause })
    if (cause) throw cause
    return count
  }

  /** Reads the whole table, a read unit for each 4 KB: for now and then. */
  async count(now: number): Promise<number> {
    return this.#table.count({ holds: 'expiresAt > :now', values: { ':now': number(now) } })
  }

  /**
   * Answers what a write did, or what it met. DynamoDB tells that with its refusal, DynamoDB Local does not, and for what is
   * missing there is nothing to tell: then it is read. Should its condition hold by then, the write is tried again.
   *
   * @param until - The expiry from which on there is nothing to do.
   */
  async #compareAndSet<Done extends string>(
    done: Done,
    key: SessionKey,
    revision: number,
    now: number,
    until: number,
    write: () => Promise<Answer>,
  ): Promise<Done | 'conflict' | 'missing'> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { applied, old } = await write()
      if (applied) return done
      const met = live(old ?? (await this.#table.get(key)), now)
      if (met?.revision !== revision) return met ? 'conflict' : 'missing'
      if (met.expiresAt >= until) return done
    }
    throw new SessError('store_unavailable', `a session was never as DynamoDB had said, ${TRIES} times; try again`)
  }

  async *#idsOf(tag: string, subject: string, except?: SessionKey): AsyncGenerator<string> {
    for await (const items of this.#table.ofSubject(tag, subject, 'id'))
      for (const item of items) {
        const id = item['id']!.S!
        if (except?.tag !== tag || except.id !== id) yield id
      }
  }

  #fitting(key: SessionKey, record: SessionRecord): ReturnType<typeof encode> {
    const { maxPayloadBytes } = this.traits
    const { length } = record.payload
    if (length > maxPayloadBytes)
      throw new SessError(
        'too_large',
        `a payload of ${length} bytes is larger than maxPayloadBytes (${maxPayloadBytes})`,
      )
    return encode(key, record)
  }
}
