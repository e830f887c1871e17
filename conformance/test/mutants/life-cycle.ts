import { memoryStore, SessError, type SessionStore } from '@sess/core'
import { serve } from '../served/serve.ts'
import { connect } from '../served/client.ts'
import { changed, clients, store, tick, type Change, type StoreMutant } from './mutant.ts'

const sound: Change = () => ({})

/** A store in this process, and other processes that reach it by a module. */
function served(name: string, killedBy: readonly string[], module: string, change: Change = sound): StoreMutant {
  return {
    name,
    killedBy,
    process: { module: new URL(`../served/${module}.ts`, import.meta.url) },
    open: async () => {
      const it = changed(memoryStore(), change)
      const { port, close } = await serve(it)
      const opened: (() => Promise<void>)[] = []
      return {
        store: it,
        argument: String(port),
        connect: async () => {
          const other = await connect(String(port))
          opened.push(() => other.close())
          return other.store
        },
        close: async () => {
          for (const end of opened) await end()
          await close()
        },
      }
    },
  }
}

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
    deleteSubject: async (...args) => (open(), it.deleteSubject!(...args)),
    count: async (...args) => (open(), it.count!(...args)),
    sweep: async (...args) => (open(), it.sweep!(...args)),
    close: async () => {
      closed = true
      await onClose()
    },
  }
}

/** Stores that hold on to what they should let go, or let go of what is not theirs; and stores of several processes. */
export const lifeCycle: readonly StoreMutant[] = [
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
        timer ??= setInterval(() => void it.count!(now).catch(() => clearInterval(timer)), 20)
        return it.create(key, record, now)
      },
    }
  }),
  store('a sweep looks at every record', ['scale/sweep-is-indexed'], (it) => ({
    async sweep(now, limit) {
      await costly(await it.count!(now))
      return it.sweep!(now, limit)
    },
  })),
  store('a revocation looks at every record', ['scale/revoke-is-flat'], (it) => ({
    async deleteSubject(subject, now, except) {
      await costly(await it.count!(now))
      return it.deleteSubject!(subject, now, except)
    },
  })),
  served('its module leaves a timer to the process', ['life-cycle/process-ends'], 'leaking-client'),
  served('processes overwrite each other', ['races/increments-of-processes'], 'client', (it) => ({
    async replace(key, record, _, now) {
      const live = await it.read(key, now)
      return live ? it.replace(key, record, live, now) : 'missing'
    },
  })),
  served('two processes create one key', ['races/creates-of-processes'], 'client', (it) => ({
    async create(key, record, now) {
      if (await it.read(key, now)) return false
      for (let i = 0; i < 20; i++) await tick()
      await it.delete(key, now)
      return it.create(key, record, now)
    },
  })),
  served('a process writes back what another deleted', ['races/delete-across-processes'], 'client', (it) => ({
    async replace(key, record, expected, now) {
      const answer = await it.replace(key, record, expected, now)
      if (answer !== 'missing') return answer
      await it.create(key, record, now)
      return 'replaced'
    },
  })),
]

/** Work that grows with a number of records. */
async function costly(records: number): Promise<void> {
  const end = performance.now() + records / 2000
  while (performance.now() < end);
}
