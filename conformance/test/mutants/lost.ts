import { isSessError, SessError, type SessionKey, type SessionStore } from '@sess/core'
import type { WireClient } from '../wire/client.ts'
import { wireOf, wireStore } from '../wire/harness.ts'
import { KvServer } from '../wire/kv-server.ts'
import { KvStore } from '../wire/kv-store.ts'
import { changed, type Change, type StoreMutant } from './mutant.ts'

/** A fault in what a store makes of a lost connection, on a store of one request a call and on one that reads before it writes. */
interface Lost {
  readonly name: string
  readonly habit: string
  readonly killedBy: readonly string[]
  readonly change: Change
}

const FAULTS: readonly Lost[] = [
  {
    name: 'each error is store_unavailable, whatever was sent',
    habit: 'one catch for all that a driver throws',
    killedBy: ['faults/cut-create', 'faults/cut-replace', 'faults/cut-touch', 'faults/cut-delete'],
    change: (it) => {
      const unavailable = async <T>(run: () => Promise<T>): Promise<T> => {
        try {
          return await run()
        } catch (cause) {
          throw new SessError('store_unavailable', 'the server did not answer', { cause })
        }
      }
      return {
        create: (...values) => unavailable(() => it.create(...values)),
        replace: (...values) => unavailable(() => it.replace(...values)),
        touch: (...values) => unavailable(() => it.touch(...values)),
        delete: (...values) => unavailable(() => it.delete(...values)),
      }
    },
  },
  {
    name: 'a read that fails is a missing record',
    habit: '`catch { return undefined }`, as from a cache',
    killedBy: ['faults/cut-read', 'faults/outage-at-load'],
    change: (it) => ({ read: (...values) => it.read(...values).catch(() => undefined) }),
  },
  {
    name: 'a delete that fails answers false',
    habit: 'a delete “cannot fail”: what is not there need not be deleted',
    killedBy: ['faults/cut-delete', 'faults/outage-at-write'],
    change: (it) => ({ delete: (...values) => it.delete(...values).catch(() => false) }),
  },
  {
    name: 'a touch that fails answers touched',
    habit: 'a touch is only housekeeping, so its errors are logged and dropped',
    killedBy: ['faults/cut-touch'],
    change: (it) => ({ touch: (...values) => it.touch(...values).catch(() => 'touched' as const) }),
  },
  {
    name: 'a create that fails answers false',
    habit: '`false` for “it did not work”',
    killedBy: ['faults/cut-create'],
    change: (it) => ({ create: (...values) => it.create(...values).catch(() => false) }),
  },
  {
    name: 'a replace that fails answers conflict',
    habit: 'every failed compare-and-set is a conflict',
    killedBy: ['faults/cut-replace'],
    change: (it) => ({ replace: (...values) => it.replace(...values).catch(() => 'conflict' as const) }),
  },
  {
    name: 'a replace is sent again, and takes its own write for another’s',
    habit: 'a retry around every call of the driver',
    killedBy: ['faults/cut-replace'],
    change: (it) => ({ replace: (...values) => it.replace(...values).catch(() => it.replace(...values)) }),
  },
  {
    name: 'a delete is sent again, and does not know that it was done',
    habit: 'a retry of whatever is idempotent, whose answer is not',
    killedBy: ['faults/cut-delete'],
    change: (it) => ({ delete: (...values) => it.delete(...values).catch(() => it.delete(...values)) }),
  },
  {
    name: 'a create is sent again, and finds its own record in the way',
    habit: 'a retry around every call of the driver',
    killedBy: ['faults/cut-create'],
    change: (it) => ({ create: (...values) => it.create(...values).catch(() => it.create(...values)) }),
  },
  {
    name: 'a lost replace is put again a little later, in the background',
    habit: 'a queue of failed writes that is emptied when the connection is back',
    killedBy: ['faults/cut-and-deleted'],
    change: (it) => {
      const putLater = (key: SessionKey, record: Parameters<SessionStore['create']>[1], now: number): void => {
        setTimeout(() => {
          it.create(key, record, now).catch(() => {})
        }, 300)
      }
      return {
        replace: async (key, expected, record, now) => {
          try {
            return await it.replace(key, expected, record, now)
          } catch (error) {
            putLater(key, record, now)
            throw error
          }
        },
      }
    },
  },
  {
    name: 'a count that fails is 0',
    habit: '`?? 0`, for a figure on a page of statistics',
    killedBy: ['faults/cut-count'],
    change: (it) => ({
      async *count(now) {
        try {
          yield* it.count!(now)
        } catch {
          yield 0
        }
      },
    }),
  },
  {
    name: 'a sweep that fails ends quietly',
    habit: 'a job that runs again in ten minutes need not say that it failed',
    killedBy: ['faults/cut-sweep'],
    change: (it) => ({
      async *sweep(now) {
        try {
          yield* it.sweep!(now)
        } catch {
          yield 0
        }
      },
    }),
  },
  {
    name: 'a list that fails is as long as it had come',
    habit: '`catch { break }` around the loop of pages',
    killedBy: ['faults/cut-list', 'faults/cut-all'],
    change: (it) => ({
      async *list(subject, now) {
        try {
          yield* it.list!(subject, now)
        } catch {}
      },
      async *all(now) {
        try {
          yield* it.all!(now)
        } catch {}
      },
    }),
  },
  {
    name: 'a revocation counts what it found, and passes over what fails',
    habit: '`Promise.allSettled` over the keys of a subject',
    killedBy: ['faults/cut-delete-subject'],
    change: (it) => ({
      async *deleteSubject(subject, now, except) {
        const keys: SessionKey[] = []
        for await (const [key] of it.list!(subject, now)) if (key.id !== except?.id) keys.push(key)
        await Promise.allSettled(keys.map((key) => it.delete(key, now)))
        yield keys.length
      },
    }),
  },
  {
    name: 'a revocation ends quietly at the first error',
    habit: '`catch { break }` around the loop of pages',
    killedBy: ['faults/cut-delete-subject'],
    change: (it) => ({
      async *deleteSubject(...values) {
        try {
          yield* it.deleteSubject!(...values)
        } catch {
          yield 0
        }
      },
    }),
  },
  {
    name: 'a call that takes long is given up, with the promise that it never happens',
    habit: '`Promise.race` with a timer that says unavailable',
    killedBy: ['faults/hung'],
    change: (it) => {
      const brief = <T>(call: Promise<T>): Promise<T> =>
        Promise.race([
          call,
          new Promise<never>((_, reject) =>
            setTimeout(() => reject(new SessError('store_unavailable', 'the server is slow')), 300),
          ),
        ])
      return {
        replace: (...values) => brief(it.replace(...values)),
        delete: (...values) => brief(it.delete(...values)),
      }
    },
  },
  {
    name: 'what has failed once is sent again behind the answer',
    habit: '`void retry()` before the error is passed on',
    killedBy: ['faults/cut-and-deleted'],
    change: (it) => ({
      create: async (...values) => {
        try {
          return await it.create(...values)
        } catch (error) {
          if (isSessError(error)) setTimeout(() => void it.create(...values).catch(() => {}), 200)
          throw error
        }
      },
    }),
  },
]

/** Every fault on both stores. */
export const lost: readonly StoreMutant[] = FAULTS.flatMap(({ name, habit, killedBy, change }) =>
  [
    ['one request a call', wireOf({ store: (client) => changed(wireStore(client), change) })] as const,
    [
      'it reads, then writes',
      wireOf({
        serve: () => new KvServer(),
        store: (client: WireClient) => changed(new KvStore(client), change),
      }),
    ] as const,
  ].map(([base, { open }]) => ({ open, name: `${name} (${base})`, habit, killedBy })),
)
