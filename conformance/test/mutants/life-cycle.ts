import { memoryStore, SessError, type SessionStore } from '@sess/core'
import { GRACE_MS, sum } from '@sess/core/adapter'
import { changed, clients, from, store, type StoreMutant } from './mutant.ts'

/** A client that can be closed by itself. */
const closable = (it: SessionStore, onClose: () => Promise<void> | void): Partial<SessionStore> => {
  let closed = false
  const open = (): void => {
    if (closed) throw new SessError('store_unavailable', 'the client was closed')
  }
  return {
    read: async (...args) => (open(), it.read(...args)),
    create: async (...args) => (open(), it.create(...args)),
    replace: async (...args) => (open(), it.replace(...args)),
    touch: async (...args) => (open(), it.touch(...args)),
    delete: async (...args) => (open(), it.delete(...args)),
    async *list(...args) {
      open()
      yield* it.list!(...args)
    },
    async *all(...args) {
      open()
      yield* it.all!(...args)
    },
    async *deleteSubject(...args) {
      open()
      yield* it.deleteSubject!(...args)
    },
    async *count(...args) {
      open()
      yield* it.count!(...args)
    },
    async *sweep(...args) {
      open()
      yield* it.sweep!(...args)
    },
    close: async () => {
      closed = true
      await onClose()
    },
  }
}

/** Stores that hold on to what they should let go, or let go of what is not theirs; and what grows that should not. */
export const lifeCycle: readonly StoreMutant[] = [
  {
    name: 'close ends the client that the store was given',
    habit: 'who uses a connection closes it',
    killedBy: ['life-cycle/client-stays-open'],
    open: async () => {
      const shared = memoryStore()
      const ended = new Set<SessionStore>()
      const connect = async (): Promise<SessionStore> => {
        const it: SessionStore = changed(shared, (sound) => closable(sound, () => void ended.add(it)))
        return it
      }
      return {
        store: await connect(),
        connect,
        ping: async (of) => {
          if (ended.has(of)) throw new Error('the client was ended')
        },
        close: async () => shared.close?.(),
      }
    },
  },
  clients('closing one client closes them all', ['life-cycle/close'], (it) => closable(it, () => it.close!())),
  clients('a second close is an error', ['life-cycle/close'], (it) => {
    let closed = false
    return closable(it, () => {
      if (closed) throw new Error('it is closed')
      closed = true
    })
  }),
  clients('a closed client goes on', ['life-cycle/use-after-close'], (it) => ({
    ...closable(it, () => {}),
    close: async () => {},
  })),
  clients('a closed client still writes', ['life-cycle/use-after-close'], (it) => ({
    ...closable(it, () => {}),
    replace: (...args) => it.replace(...args),
  })),
  clients('a closed client rejects with an error of its own', ['life-cycle/use-after-close'], (it) => {
    const own = closable(it, () => {})
    return {
      ...own,
      read: (...args) =>
        own.read!(...args).catch(() => {
          throw new TypeError('cannot read properties of null')
        }),
    }
  }),
  clients('a closed client lists nothing', ['life-cycle/use-after-close'], (it) => {
    const own = closable(it, () => {})
    return {
      ...own,
      async *list(...args) {
        try {
          yield* own.list!(...args)
        } catch {
          // An empty list.
        }
      },
    }
  }),
  store('each client keeps a timer', ['life-cycle/no-timer-is-left'], (it) => {
    let timer: NodeJS.Timeout | undefined
    return {
      create(key, record, now) {
        timer ??= setInterval(() => void sum(it.count!(now)).catch(() => clearInterval(timer)), 20)
        return it.create(key, record, now)
      },
    }
  }),
  from(
    'no index on the expiry: it is quick with the rows of a test',
    store('a sweep looks at every record', ['scale/sweep-is-indexed'], (it) => ({
      async *sweep(now) {
        let count = 0
        for await (const [key, { expiresAt }] of it.all!(0))
          if (expiresAt + GRACE_MS <= Math.min(now, Date.now())) count += Number(await it.delete(key, 0))
        yield count
      },
    })),
  ),
  from(
    'no index of subjects: all records are read, and those of others passed over',
    store('a revocation looks at every record', ['scale/revoke-is-flat'], (it) => ({
      async *deleteSubject(subject, now, except) {
        let count = 0
        for await (const [key, record] of it.all!(now))
          if (record.subject === subject.id && key.tag === subject.tag && key.id !== except?.id)
            count += Number(await it.delete(key, now))
        yield count
      },
    })),
  ),
]
