import { memoryStore, type SessionStore } from '@sess/core'
import type { WireClient } from '../../wire/client.ts'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { KvServer } from '../../wire/kv-server.ts'
import type { KvStore } from '../../wire/kv-store.ts'
import { changed, type Change, type StoreMutant } from '../mutant.ts'

type Made = (name: string, habit: string, killedBy: readonly string[]) => StoreMutant

/** A fault in the client of a store that makes one request a call. */
export const client = (change: () => Change): Made => {
  const { open } = wireOf({ serve: memoryStore, store: (wire) => changed(wireStore(wire), change()) })
  return (name, habit, killedBy) => ({ name, habit, killedBy, open })
}

/** A fault in what the server of such a store does. */
export const server = (serve: () => SessionStore): Made => {
  const { open } = wireOf({ serve })
  return (name, habit, killedBy) => ({ name, habit, killedBy, open })
}

/** A fault in a store that reads before it writes, each a request of its own. */
export const kv = (Store: new (wire: WireClient) => KvStore): Made => {
  const { open } = wireOf({ serve: () => new KvServer(), store: (wire) => new Store(wire) })
  return (name, habit, killedBy) => ({ name, habit, killedBy, open })
}
