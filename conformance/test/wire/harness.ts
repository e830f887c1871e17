import { memoryStore, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { SocketFaults } from '../../src/faults.ts'
import type { Connection, Harness } from '../../src/harness.ts'
import { WireClient, type Flaw } from './client.ts'
import { WireServer } from './server.ts'

const { traits } = memoryStore()

/** Sessions on a {@link WireServer}: a store that speaks over a socket, for the kit to be tried on. */
export function wireStore(client: WireClient): SessionStore {
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

/** What a harness over a socket is made of. */
interface Wire {
  /** What the server offers. Default: the memory store. */
  readonly serve?: () => object
  /** The store that is made on a client. Default: one request a call. */
  readonly store?: (client: WireClient) => SessionStore
  readonly flaw?: Flaw
  /** The module that other processes import. Without one the store lives in one process. */
  readonly module?: string
}

/** A harness over a socket, of whatever speaks to a {@link WireServer}. */
export function wireOf({ serve = memoryStore, store = wireStore, flaw, module }: Wire): Harness {
  const connectTo = (port: number): Connection => {
    const client = new WireClient(port, flaw)
    return { store: store(client), close: () => client.close() }
  }
  return {
    name: 'wire',
    ...(module !== undefined && { process: { module } }),
    open: async () => {
      const server = new WireServer(serve())
      await server.start()
      const faults = new SocketFaults()
      const connections = [connectTo(await faults.listen(server))]
      return {
        store: connections[0]!.store,
        faults,
        argument: String(server.port),
        connect: async () => {
          const connection = connectTo(server.port)
          connections.push(connection)
          return connection.store
        },
        demotion: { demote: async () => server.demote(), promote: async () => server.promote() },
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

/** A harness over a socket, one request a call: of a sound store and a sound client, unless others are given. */
export function wireHarness({
  flaw,
  store = memoryStore,
}: { readonly flaw?: Flaw; readonly store?: () => SessionStore } = {}): Harness {
  return wireOf({ serve: store, module: import.meta.url, ...(flaw && { flaw }) })
}

export const harness: Harness = wireHarness()
