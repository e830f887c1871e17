import { SessError, type SessionKey, type SessionRecord, type SessionStore, type StoreTraits } from '@sess/core'
import { decodeRecord, encodeRecord, RECORD_HEAD } from '@sess/core/record'
import type { RedisClient, RedisServer } from './client.ts'
import { failure } from './failure.ts'
import { lineTo } from './line.ts'
import { invalid, type RedisStoreOptions } from './options.ts'
import { remove, write } from './scripts.ts'

export type { RedisClient, RedisPipeline, RedisServer } from './client.ts'
export { invalid, type RedisStoreOptions } from './options.ts'

/** How many records go with one round trip. */
const PAGE = 100

/** What one server and a cluster do differently. */
export interface Deployment {
  /** The store's name. */
  readonly name: string
  /** As in the store's traits. True says too that the client knows its masters. */
  readonly tagIsShard: boolean
  /** The servers that hold all records between them. */
  masters(): Promise<readonly RedisServer[]>
  /** Calls back when a connection is lost, before anything is sent again. @returns What ends that. */
  onLoss(listener: () => void): () => void
}

/**
 * Sessions in Redis: what `redisStore` and `redisClusterStore` share, and not for applications.
 *
 * @throws {SessError} `invalid_option`.
 */
export function storeOn(client: RedisClient, options: RedisStoreOptions, deployment: Deployment): SessionStore {
  const { prefix = 'sess:', maxPayloadBytes = 1_048_576, confirm } = options
  const { keyPrefix = '' } = client.options
  const { name, tagIsShard, masters, onLoss } = deployment
  if (/[{}*?[\]\\]/.test(keyPrefix + prefix)) throw invalid('prefix', 'must be without {}[]*?\\, the keyPrefix too')
  if (!(maxPayloadBytes > 0 && maxPayloadBytes <= 500_000_000))
    throw invalid('maxPayloadBytes', 'must be 1 to 500,000,000')

  /**
   * The tag is the hash tag, so that Redis Cluster keeps a subject's records and their index in one slot. It is the key's
   * first pair of braces, and two prefixes never give one key, because a prefix holds no brace.
   *
   * @param id - A record's; `@`: the ZSET that names the records of the tag's subjects; none: a key that holds nothing.
   */
  const keyOf = (tag: string, id = ''): string => `${prefix}{${tag}}${id}`

  const line = lineTo(client, tagIsShard ? undefined : keyOf(''))
  const forget = onLoss(line.lost)

  /** The ids in a tag's index, all at once: a scan in steps would not survive a failover. */
  async function pagesOf(tag: string, except?: SessionKey): Promise<string[][]> {
    const all = await line.ask(() => client.zrange(keyOf(tag, '@'), 0, '-1'))
    const ids = all.filter((id) => except?.tag !== tag || except.id !== id)
    const pages = []
    while (ids.length) pages.push(ids.splice(0, PAGE))
    return pages
  }

  async function compareAndSet<Done>(
    done: Done,
    { tag, id }: SessionKey,
    revision: number,
    { subject }: SessionRecord,
    bytes: Uint8Array,
    now: number,
  ): Promise<Done | 'conflict' | 'missing'> {
    const keys = [keyOf(tag, id)]
    if (subject !== undefined) keys.push(keyOf(tag, '@'))
    const value = Buffer.concat([doubles(now, revision), bytes])
    return (await line.write<0 | 'conflict' | 'missing'>(write, keyOf(tag), keys, [value])) || done
  }

  const removed = (tag: string, ids: readonly string[], subject: string, now: number): Promise<number> =>
    line.write(remove, keyOf(tag), [keyOf(tag, '@'), ...ids.map((id) => keyOf(tag, id))], [now, subject], confirm)

  function fitting(record: SessionRecord): Uint8Array {
    const { length } = record.payload
    if (length > maxPayloadBytes)
      throw new SessError('too_large', `a payload of ${length} bytes: maxPayloadBytes is ${maxPayloadBytes}`)
    return encodeRecord(record)
  }

  return {
    name,
    traits: Object.freeze<StoreTraits>({
      maxPayloadBytes,
      expiryResolutionMs: 1,
      subjects: 'list',
      expiry: 'native',
      tagIsShard,
      staleMs: 0,
      count: true,
    }),

    async read({ tag, id }, now) {
      return live(await line.ask(() => client.getBuffer(keyOf(tag, id))), now)
    },

    async create(key, record, now) {
      return (await compareAndSet(true, key, -1, record, fitting(record), now)) === true
    },

    async replace(key, record, { revision }, now) {
      return compareAndSet('replaced', key, revision, record, fitting(record), now)
    },

    touch(key, expiresAt, expected, now) {
      return compareAndSet('touched', key, expected.revision, expected, doubles(expiresAt), now)
    },

    async delete({ tag, id }, now) {
      return (await removed(tag, [id], '', now)) > 0
    },

    /** In pages: between two of them other callers, and the consumer, may write. */
    async *list({ id: subject, tag }, now) {
      for (const ids of await pagesOf(tag)) {
        const found = await line.ask(() => client.mgetBuffer(ids.map((id) => keyOf(tag, id))))
        for (const id of ids) {
          const record = live(found.shift(), now)
          if (record?.subject === subject) yield [{ tag, id }, record]
        }
      }
    },

    /** In pages: it ends every session that was there at the start; one that signs in meanwhile may stay. */
    async deleteSubject({ id: subject, tag }, now, except) {
      let count = 0
      try {
        for (const ids of await pagesOf(tag, except)) count += await removed(tag, ids, subject, now)
      } catch (cause) {
        // Some have gone, so that it is not true that nothing was done.
        throw count ? failure(cause as Error, true) : cause
      }
      return count
    },

    /** Goes through all keys with SCAN: for now and then. While Redis moves its keys about, it may see one twice. */
    async count(now) {
      const pattern = keyPrefix + keyOf('????????????', '????????????????')
      let count = 0
      for (const master of await line.ask(masters)) {
        let cursor = '0'
        do {
          const page = await line.ask(() => master.scan(cursor, 'MATCH', pattern, 'COUNT', 1000))
          cursor = page[0]
          const heads = await line.ask(() =>
            Promise.all(page[1].map((key) => client.getrangeBuffer(key.slice(keyPrefix.length), 0, RECORD_HEAD - 1))),
          )
          count += heads.filter((head) => live(head, now)).length
        } while (cursor !== '0')
      }
      return count
    },

    async close() {
      line.close()
      forget()
    },
  }
}

/** The record in stored bytes, if it is live. */
function live(bytes: Buffer | null | undefined, now: number): SessionRecord | undefined {
  const record = bytes && decodeRecord(bytes)
  return record && now < record.expiresAt ? record : undefined
}

/** Numbers, as they stand in a record. */
function doubles(...numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(8 * numbers.length)
  for (const [i, number] of numbers.entries()) bytes.writeDoubleBE(number, 8 * i)
  return bytes
}
