import {
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { checkClient, invalid, type RedisClient } from './client.ts'
import { failure } from './failure.ts'
import { indexKey, recordKey, recordPattern } from './keys.ts'
import { Permits } from './permits.ts'
import { decode, encode, encodeExpiry, encodeSubject } from './record.ts'
import { evaluate, remove, write, type Script } from './scripts.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What all keys begin with; no braces. Default: `sess:`. A `keyPrefix` of the client stands before it. */
  readonly prefix?: string
  /** The largest payload, in bytes; at most 500,000,000. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

/** How much later than a record's end Redis drops it, in ms: a clock that runs fast never removes a live record. */
const GRACE = 60_000
/** How many entries of an index go with one round trip, about. */
const PAGE = 100

const REPLACED = ['replaced', 'conflict', 'missing'] as const
const TOUCHED = ['touched', 'conflict', 'missing'] as const

/**
 * Sessions in Redis or Valkey: one server, or a master that Sentinel names.
 *
 * A write is one script: compare-and-set, and the subject's index with it. It is sent once, and within 10 s, whatever the
 * client is set to resend. Expired records go by themselves.
 *
 * @param client - A `Redis` of ioredis 6, which stays yours to close. Connected to a master: a replica may show a session
 *   that has ended.
 * @throws {SessError} `invalid_option`, also for a Cluster and for a client that is set to read from a replica.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix = 'sess:', maxPayloadBytes = 1_048_576 } = options
  checkClient(client)
  const { keyPrefix = '' } = client.options
  if (typeof prefix !== 'string' || /[{}]/.test(prefix + keyPrefix))
    throw invalid('prefix', 'must be text without braces, the keyPrefix of the client included')
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > 500_000_000)
    throw invalid('maxPayloadBytes', 'must be a whole number from 1 to 500,000,000')
  return new RedisStore(client, prefix, maxPayloadBytes)
}

class RedisStore implements SessionStore {
  readonly name = 'redis'
  readonly traits: StoreTraits
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #permits: Permits

  constructor(client: RedisClient, prefix: string, maxPayloadBytes: number) {
    this.#client = client
    this.#prefix = prefix
    this.#permits = new Permits(client)
    this.traits = Object.freeze<StoreTraits>({
      maxPayloadBytes,
      expiryResolutionMs: 1,
      subjects: 'list',
      expiry: 'native',
      tagIsShard: false,
      staleMs: 0,
      count: true,
    })
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    return live(await this.#ask((client) => client.getBuffer(recordKey(this.#prefix, key))), now)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    return (await this.#compareAndSet(key, -1, record, this.#fitting(record), now)) === 0
  }

  async replace(
    key: SessionKey,
    record: SessionRecord,
    { revision }: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    return REPLACED[await this.#compareAndSet(key, revision, record, this.#fitting(record), now)]!
  }

  async touch(
    key: SessionKey,
    expiresAt: number,
    expected: SessionRecord,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const record = { ...expected, expiresAt }
    return TOUCHED[await this.#compareAndSet(key, expected.revision, record, encodeExpiry(expiresAt), now)]!
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    return (await this.#remove(key.tag, [key.id], [String(now), ''])) === 1
  }

  /** In pages: between two of them other callers, and the consumer, may write. */
  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const ids of this.#index(tag)) {
      const keys = ids.map((id) => ({ tag, id }))
      const found = await this.#ask((client) => client.mgetBuffer(keys.map((key) => recordKey(this.#prefix, key))))
      for (const [i, key] of keys.entries()) {
        const record = live(found[i], now)
        if (record?.subject === subject) yield [key, record]
      }
    }
  }

  /** In pages: it ends every session that was there at the start; one that signs in meanwhile may stay. */
  async deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): Promise<number> {
    let count = 0
    try {
      for await (const ids of this.#index(tag)) {
        const others = ids.filter((id) => except?.tag !== tag || except.id !== id)
        count += await this.#remove(tag, others, [String(now), encodeSubject(subject)])
      }
    } catch (cause) {
      throw count > 0 ? new SessError('unknown_outcome', `only ${count} sessions were ended`, { cause }) : cause
    }
    return count
  }

  /** Goes through all keys of the database with SCAN: for now and then. Remembers the keys meanwhile, some 100 bytes each. */
  async count(now: number): Promise<number> {
    const { keyPrefix = '' } = this.#client.options
    const pattern = recordPattern(keyPrefix + this.#prefix)
    const scan = this.#pages((client, cursor) => client.scan(cursor, 'MATCH', pattern, 'COUNT', 1000, 'TYPE', 'string'))
    let count = 0
    for await (const found of scan) {
      const keys = found.map((key) => key.slice(keyPrefix.length))
      count += await this.#write(remove, [indexKey(this.#prefix, ''), ...keys], [String(now), '', 'only count'])
    }
    return count
  }

  #compareAndSet(
    key: SessionKey,
    revision: number,
    { expiresAt, subject }: SessionRecord,
    bytes: Buffer,
    now: number,
  ): Promise<number> {
    const keys = [recordKey(this.#prefix, key)]
    if (subject !== undefined) keys.push(indexKey(this.#prefix, key.tag))
    const life = Math.max(Math.ceil(expiresAt - now) + GRACE, 1)
    return this.#write(write, keys, [String(now), String(revision), String(life), bytes])
  }

  #remove(tag: string, ids: string[], values: (string | Buffer)[]): Promise<number> {
    const keys = [indexKey(this.#prefix, tag), ...ids.map((id) => recordKey(this.#prefix, { tag, id }))]
    return this.#write(remove, keys, values)
  }

  /** The ids in a tag's index, each once. */
  async *#index(tag: string): AsyncIterable<string[]> {
    const key = indexKey(this.#prefix, tag)
    yield* this.#pages(async (client, cursor) => {
      const [next, idsAndScores] = await client.zscan(key, cursor, 'COUNT', PAGE)
      return [next, idsAndScores.filter((_, i) => i % 2 === 0)]
    })
  }

  /** What the pages of a scan hold, each once: Redis may show an element twice, and shows each that was there throughout. */
  async *#pages(
    page: (client: RedisClient, cursor: string) => Promise<[cursor: string, elements: string[]]>,
  ): AsyncIterable<string[]> {
    const seen = new Set<string>()
    let cursor = '0'
    do {
      const [next, elements] = await this.#ask((client) => page(client, cursor))
      const fresh = elements.filter((element) => seen.size < seen.add(element).size)
      if (fresh.length > 0) yield fresh
      cursor = next
    } while (cursor !== '0')
  }

  async #ask<T>(send: (client: RedisClient) => Promise<T>): Promise<T> {
    return send(this.#client).catch((cause: unknown) => {
      throw failure(cause, false)
    })
  }

  async #write(script: Script, keys: readonly string[], values: readonly (string | Buffer)[]): Promise<number> {
    const permit = this.#permits.issue()
    const answer = await evaluate(this.#client, script, keys, [permit.byte, ...values]).catch((cause: unknown) => {
      throw failure(cause, permit.sent)
    })
    if (answer < 0) throw failure(new Error('the connection was lost, and a write is sent once'), permit.sent)
    return answer
  }

  #fitting(record: SessionRecord): Buffer {
    const { maxPayloadBytes } = this.traits
    const { length } = record.payload
    if (length > maxPayloadBytes)
      throw new SessError(
        'too_large',
        `a payload of ${length} bytes is larger than maxPayloadBytes (${maxPayloadBytes})`,
      )
    return encode(record)
  }
}

function live(bytes: Buffer | null | undefined, now: number): SessionRecord | undefined {
  const record = decode(bytes)
  return record && now < record.expiresAt ? record : undefined
}
