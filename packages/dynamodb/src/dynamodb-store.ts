import {
  defineStore,
  invalid,
  SessError,
  checkOptions,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import { check, TABLE, type DynamodbClient } from './client.ts'
import { isThrottled } from './failure.ts'
import { encode, LARGEST_PAYLOAD, live, number, purgeAt, TTL } from './item.ts'
import type { Answer } from './send.ts'
import { Table, type Condition } from './table.ts'

/** Options of {@link dynamodbStore}. */
export interface DynamodbStoreOptions {
  /** The table's name, or its ARN. The table must exist: see `createSessionTable`. Default: `sess_sessions`. */
  readonly table?: string
  /** The largest payload, in bytes. The default, 408,000, is the maximum: an item of DynamoDB has at most 400 KB. */
  readonly maxPayloadBytes?: number
}

/** How many deletes of a revocation are in flight at the same time. */
const AT_ONCE = 10

/** How many consecutive pages of a revocation may be throttled completely before it gives up. */
const IDLE_PAGES = 3

/** How often a write is tried whose condition failed, although the read after it finds the expected record. */
const TRIES = 5

const EXPECTED = 'revision = :revision AND expiresAt > :now'

/**
 * Makes a store in a table of Amazon DynamoDB.
 *
 * Reads are strongly consistent. A write is one conditional request, which is retried only if it cannot have been applied.
 * Expired items count as missing at once; DynamoDB removes them later.
 *
 * @param client - A `DynamoDBClient` of AWS SDK v3. You destroy it.
 * @throws {SessError} `invalid_option`.
 */
export function dynamodbStore(client: DynamodbClient, options: DynamodbStoreOptions = {}): SessionStore {
  checkOptions(options, 'dynamodbStore()', { table: true, maxPayloadBytes: true })
  const { table = TABLE, maxPayloadBytes = LARGEST_PAYLOAD } = options
  check(client, table)
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > LARGEST_PAYLOAD)
    throw invalid('maxPayloadBytes', `must be a whole number from 1 to ${LARGEST_PAYLOAD}`)
  return defineStore(new DynamodbStore(new Table(client, table), maxPayloadBytes))
}

class DynamodbStore implements StoreImplementation {
  readonly name = 'dynamodb'
  readonly traits: StoreImplementation['traits']
  readonly #table: Table

  constructor(table: Table, maxPayloadBytes: number) {
    this.#table = table
    this.traits = { maxPayloadBytes, needsPepper: true }
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    return live(await this.#table.get(key), now)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const absent = { holds: 'attribute_not_exists(id) OR expiresAt <= :now', values: { ':now': number(now) } }
    return (await this.#table.put(encode(key, record), absent)).applied
  }

  async replace(
    key: SessionKey,
    { revision }: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const item = encode(key, record)
    const expected = { holds: EXPECTED, values: { ':revision': number(revision), ':now': number(now) } }
    return this.#compareAndSet('replaced', key, revision, now, Infinity, () => this.#table.put(item, expected))
  }

  async touch(
    key: SessionKey,
    { revision }: ExpectedRecord,
    expiresAt: number,
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

  /** Reads pages of up to 1 MB. Between two pages, other callers and the consumer may write. */
  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const items of this.#table.ofSubject(tag, subject)) {
      for (const item of items) {
        const record = live(item, now)
        if (record) yield [{ tag, id: item['id']!.S! }, record]
      }
    }
  }

  /** Reads the whole table, at a read unit for each 4 KB, so call it rarely. */
  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const { Items = [] } of this.#table.scan(liveAt(now))) {
      for (const item of Items) {
        const record = live(item, now)
        if (record) yield [{ tag: item['tag']!.S!, id: item['id']!.S! }, record]
      }
    }
  }

  /**
   * Ends every session that exists at the start. A session that signs in meanwhile may stay. A throttled delete is retried in the next
   * page, which is then smaller. After {@link IDLE_PAGES} consecutive pages without any success it gives up.
   */
  async *deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const ids = this.#idsOf(tag, subject, except)
    let atOnce = AT_ONCE
    let throttled: string[] = []
    for (let idle = 0; ;) {
      const waiting = throttled.slice(0, atOnce)
      const page = [...waiting, ...(await next(ids, atOnce - waiting.length))]
      if (page.length === 0) return
      const outcomes = await Promise.allSettled(page.map((id) => this.#table.delete({ tag, id }, subject)))
      // Report the deleted sessions before an error is thrown.
      yield outcomes.filter(
        (outcome) => outcome.status === 'fulfilled' && outcome.value.applied && live(outcome.value.old, now),
      ).length
      const refused = page.filter((_, i) => outcomes[i]!.status === 'rejected')
      const failures = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as SessError] : [],
      )
      idle = refused.length === page.length ? idle + 1 : 0
      const final = idle < IDLE_PAGES ? failures.filter((failure) => !isThrottled(failure)) : failures
      const cause = final.find(({ code }) => code === 'unknown_outcome') ?? final[0]
      if (cause) throw cause
      throttled = [...throttled.slice(waiting.length), ...refused]
      atOnce = refused.length > 0 ? Math.max(1, Math.floor(atOnce / 2)) : Math.min(AT_ONCE, atOnce + 1)
    }
  }

  /** Reads the whole table, as `all` does. */
  async *count(now: number): AsyncIterable<number> {
    for await (const { Count = 0 } of this.#table.scan(liveAt(now), 'COUNT')) yield Count
  }

  /**
   * Runs a conditional write. If the condition failed, it finds out why: DynamoDB returns the existing item with its refusal. If there
   * is none (DynamoDB Local returns none, and a missing item cannot be returned), it reads the item. If the read finds the expected
   * revision, because the item has changed in between, the write is tried again.
   *
   * @param until - If the stored expiry is at or after this time, there is nothing to do, and the answer is `done`.
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
    throw new SessError(
      'store_unavailable',
      `DynamoDB refused a write ${TRIES} times, although its condition held; nothing was written. Try again`,
    )
  }

  async *#idsOf(tag: string, subject: string, except?: SessionKey): AsyncGenerator<string> {
    for await (const items of this.#table.ofSubject(tag, subject, 'id'))
      for (const item of items) {
        const id = item['id']!.S!
        if (except?.tag !== tag || except.id !== id) yield id
      }
  }
}

/** The condition that an item is live. */
function liveAt(now: number): Condition {
  return { holds: 'expiresAt > :now', values: { ':now': number(now) } }
}

/** Takes up to `count` items from an iteration. */
async function next<T>(items: AsyncIterator<T>, count: number): Promise<T[]> {
  const page: T[] = []
  while (page.length < count) {
    const { done, value } = await items.next()
    if (done) break
    page.push(value)
  }
  return page
}
