import { memoryStore, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { SocketFaults } from '../../src/faults.ts'
import type { Connection, Harness } from '../../src/index.ts'
import { WireClient, type Flaw } from './client.ts'
import { WireServer } from './server.ts'

const { traits } = memoryStore()

/** Sessions on a {@link WireServer}: a store that speaks over a socket, for the kit to be tried on. */
function wireStore(client: WireClient): SessionStore {
  const call = <T>(method: keyof SessionStore, ...values: unknown[]): Promise<T> =>
    client.call(method, ...values) as Promise<T>
  return {
    name: 'wire',
    traits,
    read: (...values) => call('read', ...values),
    create: (...values) => call('create', ...values),
    replace: (...values) => call('replace', ...values),
    touch: (...values) => call('touch', ...values),
    delete: (...values) => call('delete', ...values),
    async *list(...values) {
      yield* await call<(readonly [SessionKey, SessionRecord])[]>('list', ...values)
    },
    async *all(...values) {
      yield* await call<(readonly [SessionKey, SessionRecord])[]>('all', ...values)
    },
    async *deleteSubject(...values) {
      yield* await call<number[]>('deleteSubject', ...values)
    },
    async *count(...values) {
      yield* await call<number[]>('count', ...values)
    },
    async *sweep(...values) {
      yield* await call<number[]>('sweep', ...values)
    },
    close: () => client.close(),
  }
}

/** Another client of a server, by its port. The module that the kit's other processes load is this one. */
export async function connect(port: string, flaw?: Flaw): Promise<Connection> {
  const client = new WireClient(Number(port), flaw)
  return { store: wireStore(client), close: () => client.close() }
}

/** A harness over a socket: of a sound store and a sound client, unless others are given. */
export function wireHarness({
  flaw,
  store = memoryStore,
}: { readonly flaw?: Flaw; readonly store?: () => SessionStore } = {}): Harness {
  return {
    name: 'wire',
    process: { module: import.meta.url },
    open: async () => {
      const server = new WireServer(store())
      await server.start()
      const faults = new SocketFaults()
      const connections = [await connect(String(await faults.listen(server)), flaw)]
      return {
        store: connections[0]!.store,
        faults,
        argument: String(server.port),
        connect: async () => {
          const connection = await connect(String(server.port), flaw)
          connections.push(connection)
          return connection.store
        },
        restart: async () => {
          await server.stop()
          await server.start()
        },
        close: async () => {
          for (const { close } of connections) await close()
          await faults.close()
          await server.stop()
        },
      }
    },
  }
}

export const harness: Harness = wireHarness()
