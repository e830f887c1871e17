import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import { encodeRecord, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

function kv(
  name: string,
  habit: string,
  killedBy: readonly string[],
  Store: new (client: WireClient) => KvStore,
): StoreMutant {
  const { open } = wireOf({ serve: () => new KvServer(), store: (client) => new Store(client) })
  return { name, habit, killedBy, open }
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** A record under a revision that no record has: it says that there was one. */
const TOMBSTONE: SessionRecord = { revision: 0, expiresAt: 8.64e15, payload: new Uint8Array() }

/** Broken stores that read before they write, each against a sentence of the contract. */
export const readsFirst: readonly StoreMutant[] = [
  kv(
    'a touch that another write overtook says touched',
    'somebody has just written it, so it is alive',
    ['races/touches-meet'],
    class extends KvStore {
      override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
        const found = await this.live(key, now)
        if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
        if (expiresAt > found.record.expiresAt) await this.put(key, found.version, { ...found.record, expiresAt })
        return 'touched'
      }
    },
  ),
  kv(
    'a delete that another write overtook leaves the record',
    'one compare-and-set, whose answer is the method’s',
    ['subjects/revoke-meets-replace'],
    class extends KvStore {
      override async delete(key: SessionKey, now: number) {
        const found = await this.find(key)
        return found !== undefined && (await this.remove(key, found.version)) && now < found.record.expiresAt
      }
    },
  ),
  kv(
    'a revocation passes by what has expired, though a slower clock would call it live',
    'the filter of the list',
    ['clock/revoked-by-a-clock-ahead'],
    class extends KvStore {
      override async *deleteSubject(subject: Subject, now: number, except?: SessionKey) {
        for await (const page of this.pages(subject.tag))
          for (const { key, record } of page)
            if (record.subject === subject.id && key.id !== except?.id && now < record.expiresAt)
              yield Number(await this.delete(key, now))
      }
    },
  ),
  kv(
    'a delete passes by what has expired, though a slower clock would call it live',
    'what has expired is missing: nothing to do',
    ['clock/deleted-by-a-clock-ahead', 'clock/history-of-clocks'],
    class extends KvStore {
      override async delete(key: SessionKey, now: number) {
        return (await this.live(key, now)) !== undefined && super.delete(key, now)
      }
    },
  ),
  kv(
    'a read removes what has expired by the clock of whoever reads',
    'lazy expiry, as in a cache',
    ['clock/looking-removes-nothing'],
    class extends KvStore {
      override async read(key: SessionKey, now: number) {
        const found = await this.find(key)
        if (found && now >= found.record.expiresAt) await this.remove(key, found.version)
        return super.read(key, now)
      }
    },
  ),
  kv(
    'a list ends at the first page that holds nothing of the subject',
    'an empty page is taken for the last',
    ['subjects/one-tag-many-subjects'],
    class extends KvStore {
      override async *list(subject: Subject, now: number) {
        for await (const page of this.pages(subject.tag)) {
          const own = page.filter(({ record }) => record.subject === subject.id && now < record.expiresAt)
          if (own.length === 0) return
          for (const { key, record } of own) yield [key, record] as const
        }
      }
    },
  ),
  kv(
    'a touch between read and replace is a conflict',
    'the version that was read is remembered with the record, and nothing else is asked',
    ['races/touch-is-no-conflict'],
    class extends KvStore {
      readonly #versions = new WeakMap<ExpectedRecord, number>()

      override async read(key: SessionKey, now: number) {
        const found = await this.live(key, now)
        if (!found) return undefined
        const record = found.record as unknown as ExpectedRecord
        this.#versions.set(record, found.version)
        return record
      }

      override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
        const version = this.#versions.get(expected)
        if (version === undefined) return super.replace(key, expected, record, now)
        this.fits(record)
        const found = await this.live(key, now)
        if (!found) return 'missing'
        return (await this.put(key, version, record)) ? 'replaced' : 'conflict'
      }
    },
  ),
  kv(
    'a record is only replaced by the client that read it',
    'a record without a remembered version is refused',
    ['round-trip/replace'],
    class extends KvStore {
      readonly #known = new WeakSet<ExpectedRecord>()

      override async read(key: SessionKey, now: number) {
        const record = await super.read(key, now)
        if (record) this.#known.add(record)
        return record
      }

      override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
        if (this.#known.has(expected)) return super.replace(key, expected, record, now)
        return (await this.live(key, now)) ? 'conflict' : 'missing'
      }
    },
  ),
  kv(
    'a key that was deleted is never free again',
    'a tombstone, so that nothing late brings the record back',
    ['round-trip/model'],
    class extends KvStore {
      override async delete(key: SessionKey, now: number) {
        const found = await this.find(key)
        await this.tell('set', nameOf(key), encodeRecord(TOMBSTONE))
        return found !== undefined && found.record.revision > 0 && now < found.record.expiresAt
      }

      protected override async live(key: SessionKey, now: number) {
        const found = await super.live(key, now)
        return found && found.record.revision > 0 ? found : undefined
      }
    },
  ),
  kv(
    'a revocation says at each page how many went in all',
    'a running total, as a progress bar wants it',
    ['subjects/revoke-all'],
    class extends KvStore {
      override async *deleteSubject(subject: Subject, now: number, except?: SessionKey) {
        let total = 0
        for await (const went of super.deleteSubject(subject, now, except)) yield (total += went)
      }
    },
  ),
]
