import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import { encodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../wire/client.ts'
import { wireOf } from '../wire/harness.ts'
import { KvServer } from '../wire/kv-server.ts'
import { KvStore } from '../wire/kv-store.ts'
import type { StoreMutant } from './mutant.ts'

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

/** Stores that read and then write over a network, with mistakes that are made there. */
export const readsFirst: readonly StoreMutant[] = [
  kv(
    'a replace writes whatever has come since',
    'the revision was compared a moment ago',
    ['races/two-replaces', 'races/increments', 'races/history-of-clients'],
    class extends KvStore {
      protected override async put(key: SessionKey, _: number, record: SessionRecord): Promise<boolean> {
        await this.tell('set', nameOf(key), encodeRecord(record))
        return true
      }
    },
  ),
  kv(
    'a create writes over another create',
    'a get, then a plain set',
    ['identity/racing-creates'],
    class extends KvStore {
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        this.fits(record)
        if (await this.live(key, now)) return false
        await this.tell('set', nameOf(key), encodeRecord(record))
        return true
      }
    },
  ),
  kv(
    'a touch writes back what it read, after a delete too',
    'read, change the time, set',
    ['races/delete-meets-touch', 'races/replace-meets-touch'],
    class extends KvStore {
      override async touch(
        key: SessionKey,
        expected: ExpectedRecord,
        expiresAt: number,
        now: number,
      ): Promise<'touched' | 'conflict' | 'missing'> {
        const found = await this.live(key, now)
        if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
        if (expiresAt > found.record.expiresAt)
          await this.tell('set', nameOf(key), encodeRecord({ ...found.record, expiresAt }))
        return 'touched'
      }
    },
  ),
  kv(
    'a delete gives up when another writes meanwhile',
    'one try of a compare-and-delete, whose failure means that it is gone',
    ['races/history-of-clients'],
    class extends KvStore {
      override async delete(key: SessionKey, now: number): Promise<boolean> {
        const found = await this.find(key)
        if (!found) return false
        await this.remove(key, found.version)
        return now < found.record.expiresAt
      }
    },
  ),
  kv(
    'a sweep removes by name what it read',
    'list the expired, then delete each by its key',
    ['races/sweep-meets-touch', 'races/sweep-meets-replace', 'races/sweep-meets-create'],
    class extends KvStore {
      protected override remove(key: SessionKey): Promise<boolean> {
        return this.tell<boolean>('remove', nameOf(key))
      }
    },
  ),
  kv(
    'a list ends with the first page in which few are the subject’s',
    'the end is looked for after the filter',
    ['subjects/one-tag-many-subjects'],
    class extends KvStore {
      override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
        for await (const page of this.pages(subject.tag)) {
          const its = page.filter(({ record }) => record.subject === subject.id && now < record.expiresAt)
          for (const { key, record } of its) yield [key, record]
          if (its.length < page.length / 2) return
        }
      }
    },
  ),
  kv(
    'a conflict with a touch is a conflict',
    'the version of the value is taken for the revision of the record',
    ['races/replace-meets-touch'],
    class extends KvStore {
      override async replace(
        key: SessionKey,
        expected: ExpectedRecord,
        record: SessionRecord,
        now: number,
      ): Promise<'replaced' | 'conflict' | 'missing'> {
        this.fits(record)
        const found = await this.live(key, now)
        if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
        return (await this.put(key, found.version, record)) ? 'replaced' : 'conflict'
      }
    },
  ),
  kv(
    'a lost race is a missing record',
    'a failed compare-and-set has one meaning',
    ['races/two-replaces'],
    class extends KvStore {
      override async replace(
        key: SessionKey,
        expected: ExpectedRecord,
        record: SessionRecord,
        now: number,
      ): Promise<'replaced' | 'conflict' | 'missing'> {
        const answer = await super.replace(key, expected, record, now)
        return answer === 'conflict' ? 'missing' : answer
      }
    },
  ),
  kv(
    'a sweep gives no grace to what a client finds expired',
    'the server’s grace is forgotten where the client sweeps',
    ['clock/sweep-takes-expired-alone'],
    class extends KvStore {
      override sweep(now: number): AsyncIterable<number> {
        return super.sweep(Math.min(now, Date.now()) + GRACE_MS)
      }
    },
  ),
  {
    ...wireOf({
      serve: () =>
        new (class extends KvServer {
          override remove(name: string, version?: number): boolean {
            super.remove(name, version)
            return true
          }
        })(),
      store: (client) => new KvStore(client),
      module: new URL('../wire/kv-harness.ts', import.meta.url).href,
    }),
    name: 'what several processes sweep is counted by each',
    habit: 'the command succeeded, so it removed something',
    killedBy: ['races/sweeps-of-processes', 'races/parallel-sweeps'],
  },
]
