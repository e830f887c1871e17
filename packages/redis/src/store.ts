import {
  checkOptions,
  DAMAGED_RECORD,
  decodeRecord,
  defineStore,
  encodeRecord,
  expiryIn,
  GRACE_MS,
  invalid,
  LONGEST_RECORD_HEAD,
  RECORD_HEAD,
  type OptionNames,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core/adapter'
import type { RedisClient, RedisServer } from './client.ts'
import { failure } from './errors.ts'
import { connectionOf, type Wiring } from './connection.ts'
import type { RedisStoreOptions } from './options.ts'
import { valuesOf, type Answer } from './script.ts'
import { batch } from './batch.ts'

export type { ClientEvent, RedisClient, RedisPipeline, RedisServer, ScriptsInBytes } from './client.ts'
export { checkClient, warnOf } from './client-check.ts'
export type { RedisStoreOptions } from './options.ts'

const OPTIONS: OptionNames<RedisStoreOptions> = { prefix: true, maxPayloadBytes: true, confirm: true }
/** How many records go with one round trip. */
const PAGE = 100
/** How many reads, or writes, are one batch: on a busy server the next are made while Redis works on these (0046). */
const BATCH = 24

/** What is to be done to a record, as the script takes it. */
type Change = readonly [
  keys: readonly string[],
  terms: readonly [now: number, revision: number, keepFor: string] | readonly [now: number, subject: string],
  bytes: Buffer | '',
]

/** What one server and a cluster do differently. */
export interface Deployment extends Omit<Wiring, 'nothing'> {
  /** The store's name. */
  readonly name: string
  /** As in the store's traits. True says too that the client knows its masters. */
  readonly needsPepper: boolean
  /** The servers that hold all records between them. */
  masters(): Promise<readonly RedisServer[]>
}

/**
 * Sessions in Redis: what `redisStore` and `redisClusterStore` share, and not for applications.
 *
 * @throws {SessError} `invalid_option`.
 */
export function storeOn(client: RedisClient, options: RedisStoreOptions, deployment: Deployment): SessionStore {
  const { name, needsPepper, masters } = deployment
  checkOptions(options, needsPepper ? 'redisClusterStore()' : 'redisStore()', OPTIONS)
  const { prefix = 'sess:', maxPayloadBytes = 2 ** 20, confirm } = options
  const { keyPrefix = '' } = client.options
  if (/[{}*?[\]\\]/.test(keyPrefix + prefix)) throw invalid('prefix', 'must be without {}[]*?\\, the keyPrefix too')
  if (!(Number.isInteger(maxPayloadBytes) && maxPayloadBytes > 0 && maxPayloadBytes <= 500_000_000))
    throw invalid('maxPayloadBytes', 'must be 1 to 5e8')

  /**
   * The tag is the hash tag, so that Redis Cluster keeps a subject's records and their index in one slot. It is the key's
   * first pair of braces, and two prefixes never give one key, because a prefix holds no brace.
   *
   * @param id - A record's; `@`: the ZSET that names the records of the tag's subjects; none: a key that holds nothing.
   */
  const keyOf = (tag: string, id = ''): string => `${prefix}{${tag}}${id}`

  const connection = connectionOf(client, { ...deployment, nothing: needsPepper ? undefined : keyOf('') })

  /** The ids in a tag's index, all at once: a scan in steps would not survive a failover. */
  async function* pagesOf(tag: string, except?: SessionKey): AsyncGenerator<string[]> {
    const all = await connection.ask(() => client.zrange(keyOf(tag, '@'), 0, '-1'))
    const ids = all.filter((id) => except?.tag !== tag || except.id !== id)
    while (ids.length) yield ids.splice(0, PAGE)
  }

  /** The key that holds nothing, in the slot of a record's key. */
  const nothingBeside = (key: string): string => key.slice(0, key.indexOf('}') + 1)

  /** The keys of all records, page by page, without the client's prefix. */
  async function* scanned(): AsyncGenerator<string[]> {
    const pattern = keyPrefix + keyOf('????????????', '????????????????')
    for (const master of await connection.ask(masters)) {
      let cursor = '0'
      do {
        const page = await connection.ask(() => master.scan(cursor, 'MATCH', pattern, 'COUNT', 1000))
        cursor = page[0]
        yield page[1].map((key) => key.slice(keyPrefix.length))
      } while (cursor !== '0')
    }
  }

  /** What is read of a value at most: one byte more than the longest record has. */
  const longest = LONGEST_RECORD_HEAD + maxPayloadBytes
  const recordIn = (value: Uint8Array): SessionRecord | undefined =>
    value.length > longest ? DAMAGED_RECORD : decodeRecord(value)

  const change = (changes: Change[], confirmed?: () => Promise<void>): Promise<readonly Answer[]> =>
    connection.write(
      [...changes.flatMap(([keys]) => keys), nothingBeside(changes[0]![0][0]!)],
      [JSON.stringify(changes.map(([, terms]) => terms)), ...changes.map(([, , bytes]) => bytes)],
      confirmed,
    )

  const most = needsPepper ? 1 : BATCH
  const read = (keys: readonly string[]): Promise<readonly Uint8Array[]> =>
    connection.ask(() => valuesOf(client, keys, longest))
  const get = batch(most, read)
  const put = batch(most, change)

  function compareAndSet(
    { tag, id }: SessionKey,
    revision: number,
    record: SessionRecord,
    now: number,
  ): Promise<'done' | 'conflict' | 'missing'> {
    const keys = [keyOf(tag, id), keyOf(tag, record.subject ? '@' : id)]
    // Redis drops it late.
    const life = Math.max(Math.ceil(record.expiresAt - now) + GRACE_MS, 1)
    const { buffer, byteOffset, byteLength } = encodeRecord(record)
    // ioredis sends a Uint8Array that is no Buffer as text.
    return put([keys, [now, revision, `${life}`], Buffer.from(buffer, byteOffset, byteLength)], settled)
  }

  const removed = (tag: string, ids: readonly string[], subject: string, now: number): Promise<readonly Answer[]> =>
    change(
      ids.map((id) => [[keyOf(tag, id), keyOf(tag, '@')], [now, subject], '']),
      confirm && (() => confirm(client, keyOf(tag))),
    )

  /** The ids whose records are damaged: the script cannot tell whose they are, and nobody can use them. */
  async function damagedAmong(tag: string, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const found = await read(ids.map((id) => keyOf(tag, id)))
    return ids.filter((_, i) => recordIn(found[i]!) === DAMAGED_RECORD)
  }

  return defineStore({
    name,
    traits: { maxPayloadBytes, needsPepper },

    read({ tag, id }) {
      return get(keyOf(tag, id), recordIn)
    },

    async create(key, record, now) {
      return (await compareAndSet(key, -1, record, now)) === 'done'
    },

    async replace(key, { revision }, next, now) {
      const answer = await compareAndSet(key, revision, next, now)
      return answer === 'done' ? 'replaced' : answer
    },

    async touch(key, expected, expiresAt, now) {
      const answer = await compareAndSet(key, expected.revision, { ...expected, expiresAt }, now)
      return answer === 'done' ? 'touched' : answer
    },

    async delete({ tag, id }, now) {
      return settled((await removed(tag, [id], '', now))[0]!) === 'done'
    },

    /** In pages: between two of them other callers, and the consumer, may write. */
    async *list({ id: subject, tag }) {
      for await (const ids of pagesOf(tag)) {
        const found = await read(ids.map((id) => keyOf(tag, id)))
        for (const [i, id] of ids.entries()) {
          const record = recordIn(found[i]!)
          if (record?.subject === subject) yield [{ tag, id }, record]
        }
      }
    },

    /** In pages: it ends every session that was there at the start; one that signs in meanwhile may stay. */
    async *deleteSubject({ id: subject, tag }, now, except) {
      for await (const ids of pagesOf(tag, except)) {
        const answers = await removed(tag, ids, subject, now)
        // Before an error is thrown: what went did go.
        yield answers.filter((answer) => answer === 'done').length
        answers.forEach(settled)
        const damaged = await damagedAmong(
          tag,
          ids.filter((_, i) => answers[i] === 'missing'),
        )
        if (damaged.length) await removed(tag, damaged, '', now)
      }
    },

    /** Goes through all keys with SCAN: for now and then. While Redis moves its keys about, it may see one twice. */
    async *all() {
      for await (const page of scanned()) {
        for (let from = 0; from < page.length; from += PAGE) {
          const keys = page.slice(from, from + PAGE)
          const found = await connection.ask(() => Promise.all(keys.map((key) => valuesOf(client, [key], longest))))
          for (const [i, key] of keys.entries()) {
            const record = recordIn(found[i]![0]!)
            if (record) yield [{ tag: key.slice(-29, -17), id: key.slice(-16) }, record]
          }
        }
      }
    },

    /** As `all`. */
    async *count(now) {
      for await (const keys of scanned()) {
        const heads = await connection.ask(() =>
          Promise.all(keys.map((key) => client.getrangeBuffer(key, 0, RECORD_HEAD - 1))),
        )
        yield heads.filter((head) => now < (expiryIn(head) ?? 0)).length
      }
    },

    close() {
      connection.close()
    },
  })
}

/** @throws {SessError} What Redis refused. */
function settled<T extends Answer>(answer: T): Exclude<T, Error> {
  if (answer instanceof Error) throw failure(answer, 'sent')
  return answer as Exclude<T, Error>
}
