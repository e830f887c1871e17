import {
  batch,
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

export type { ClientEvent, RedisClient, RedisPipeline, RedisServer, ScriptsInBytes } from './client.ts'
export { checkClient, warnOf } from './client-check.ts'
export type { RedisStoreOptions } from './options.ts'

const OPTIONS: OptionNames<RedisStoreOptions> = { prefix: true, maxPayloadBytes: true, confirm: true }
/** How many records a page of a list or a revocation has. */
const PAGE = 100
/** How many reads or writes a batch has at most. This process prepares the next batch while Redis works on this one (decision 0046). */
const BATCH = 24

/** One change of a record, as write.lua takes it. */
type Change = readonly [
  keys: readonly string[],
  terms: readonly [now: number, revision: number, keepFor: string] | readonly [now: number, subject: string],
  bytes: Buffer | '',
]

/** The differences between one server and a cluster. */
export interface Deployment extends Omit<Wiring, 'nothing'> {
  /** The name of the store. */
  readonly name: string
  /** As in the store's traits. True for a cluster, whose client knows its masters. */
  readonly needsPepper: boolean
  /** Returns the servers which together hold all records. */
  masters(): Promise<readonly RedisServer[]>
}

/**
 * Makes a store in Redis: the code that `redisStore` and `redisClusterStore` share. Not for applications.
 *
 * @throws {SessError} `invalid_option`.
 */
export function storeOn(client: RedisClient, options: RedisStoreOptions, deployment: Deployment): SessionStore {
  const { name, needsPepper, masters } = deployment
  checkOptions(options, needsPepper ? 'redisClusterStore()' : 'redisStore()', OPTIONS)
  const { prefix = 'sess:', maxPayloadBytes = 2 ** 20, confirm } = options
  const { keyPrefix = '' } = client.options
  if (/[{}*?[\]\\]/.test(keyPrefix + prefix))
    throw invalid('prefix', 'must not contain {}[]*?\\, and the keyPrefix of the client must not either')
  if (!(Number.isInteger(maxPayloadBytes) && maxPayloadBytes > 0 && maxPayloadBytes <= 500_000_000))
    throw invalid('maxPayloadBytes', 'must be a whole number from 1 to 500,000,000')

  /**
   * Makes a key. The tag in braces is the hash tag, so that Redis Cluster keeps a subject's records and their index in one slot. A
   * prefix contains no brace, so the tag is in the first pair of braces, and keys with different prefixes differ.
   *
   * @param id - The id of a record; `@` for the index, a sorted set with the ids of the tag; empty for a key that never exists.
   */
  const keyOf = (tag: string, id = ''): string => `${prefix}{${tag}}${id}`

  const connection = connectionOf(client, { ...deployment, nothing: needsPepper ? undefined : keyOf('') })

  /** The ids in a tag's index, page by page. It reads the whole index at once, because the cursor of a scan would not survive a failover. */
  async function* pagesOf(tag: string, except?: SessionKey): AsyncGenerator<string[]> {
    const all = await connection.ask(() => client.zrange(keyOf(tag, '@'), 0, '-1'))
    const ids = all.filter((id) => except?.tag !== tag || except.id !== id)
    while (ids.length) yield ids.splice(0, PAGE)
  }

  /** A key that never exists, in the slot of a record's key. */
  const nothingBeside = (key: string): string => key.slice(0, key.indexOf('}') + 1)

  /** The keys of all records, page by page, without the `keyPrefix` of the client. */
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

  /** The offset of the last byte to read: one byte more than the longest record has, to notice a longer value. */
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

  function compareAndSet<Done>(
    { tag, id }: SessionKey,
    revision: number,
    record: SessionRecord,
    now: number,
    done: Done,
  ): Promise<Done | 'conflict' | 'missing'> {
    const keys = [keyOf(tag, id), keyOf(tag, record.subject ? '@' : id)]
    // Redis removes a record one minute after its expiry.
    const life = Math.max(Math.ceil(record.expiresAt - now) + GRACE_MS, 1)
    const { buffer, byteOffset, byteLength } = encodeRecord(record)
    // As a Buffer, since ioredis sends any other Uint8Array as text.
    return put([keys, [now, revision, `${life}`], Buffer.from(buffer, byteOffset, byteLength)], (answer) => {
      const outcome = settled(answer)
      return outcome === 'done' ? done : outcome
    })
  }

  const removed = (tag: string, ids: readonly string[], subject: string, now: number): Promise<readonly Answer[]> =>
    change(
      ids.map((id) => [[keyOf(tag, id), keyOf(tag, '@')], [now, subject], '']),
      confirm && (() => confirm(client, keyOf(tag))),
    )

  /** The ids of damaged records. The script cannot tell their subject, and nobody can use them, so a revocation deletes them. */
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
      return (await compareAndSet(key, -1, record, now, true)) === true
    },

    replace(key, { revision }, next, now) {
      return compareAndSet(key, revision, next, now, 'replaced')
    },

    touch(key, expected, expiresAt, now) {
      return compareAndSet(key, expected.revision, { ...expected, expiresAt }, now, 'touched')
    },

    async delete({ tag, id }, now) {
      return settled((await removed(tag, [id], '', now))[0]!) === 'done'
    },

    /** Between two pages, other callers and the consumer may write. */
    async *list({ id: subject, tag }) {
      for await (const ids of pagesOf(tag)) {
        const found = await read(ids.map((id) => keyOf(tag, id)))
        for (const [i, id] of ids.entries()) {
          const record = recordIn(found[i]!)
          if (record?.subject === subject) yield [{ tag, id }, record]
        }
      }
    },

    /** Ends every session that exists at the start. A session that signs in meanwhile may stay. */
    async *deleteSubject({ id: subject, tag }, now, except) {
      for await (const ids of pagesOf(tag, except)) {
        const answers = await removed(tag, ids, subject, now)
        // Report the deleted records before an error is thrown.
        yield answers.filter((answer) => answer === 'done').length
        answers.forEach(settled)
        const damaged = await damagedAmong(
          tag,
          ids.filter((_, i) => answers[i] === 'missing'),
        )
        if (damaged.length) await removed(tag, damaged, '', now)
      }
    },

    /** Scans all keys (SCAN), so call it rarely. While Redis resizes its hash table, it may see a key twice. */
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

    /** Scans all keys, as `all` does. */
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

/** Returns an answer, or throws it if it is an error. @throws {SessError} The error with which Redis refused a change. */
function settled<T extends Answer>(answer: T): Exclude<T, Error> {
  if (answer instanceof Error) throw failure(answer, 'sent')
  return answer as Exclude<T, Error>
}
