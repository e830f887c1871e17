import { createClient, createCluster, createSentinel } from 'redis'
import {
  createClient as createClient5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5'

/** Clients with the types of version 6: clients of version 5 have the members that the tests call. */
export type TestClient = ReturnType<typeof createClient>
export type TestCluster = ReturnType<typeof createCluster>
export type TestSentinel = ReturnType<typeof createSentinel>

/** The options of a client that tests set. */
export interface ClientOptions {
  /** The major version of `redis`. Default: 6. */
  readonly major?: 5 | 6
  readonly RESP?: 2 | 3
  readonly username?: string
  readonly password?: string
  readonly disableOfflineQueue?: boolean
  /** The host, for a client of one server. Default: 127.0.0.1. */
  readonly host?: string
  /** For a client of Sentinels, the address at which the client reaches each node. */
  readonly nodeAddressMap?: Record<string, { host: string; port: number }>
  /** For a client of Sentinels, how often it asks them who the master is, in ms. Default: never. */
  readonly scanInterval?: number
  /** Options of the connections to servers, such as those for TLS. */
  readonly socket?: object
  /** Options of the connections to Sentinels. */
  readonly sentinelSocket?: object
  /** For a client of Sentinels, whether it emits the errors of its connections. */
  readonly passthroughClientErrorEvents?: boolean
}

const RECONNECT_MS = 20

/**
 * Hides addresses from the comparison of `redis`: for a client whose options are not those of the client before, as JSON, it makes a
 * class with all commands, which takes tens of milliseconds. Tests make thousands of clients, with a proxy or without in turn.
 */
function unseen<Addresses extends object>(addresses: Addresses): Addresses {
  return Object.defineProperty(addresses, 'toJSON', { value: () => undefined })
}

/** Makes a client and begins to connect it. Await its {@link TestClient.connect} to have it connected. */
export function clientOf(
  port: number,
  { major = 6, host = '127.0.0.1', socket, ...options }: ClientOptions = {},
): TestClient {
  const create = (major === 5 ? createClient5 : createClient) as unknown as (options: object) => TestClient
  const client = create({
    ...options,
    socket: unseen({ host, port, reconnectStrategy: () => RECONNECT_MS, ...socket }),
  })
  client.on('error', () => {})
  client.connect().catch(() => {})
  return client
}

/** Makes a client of Sentinels and begins to connect it. */
export function sentinelOf(
  name: string,
  ports: readonly number[],
  {
    major = 6,
    RESP,
    nodeAddressMap = {},
    scanInterval = 0,
    socket,
    sentinelSocket = {},
    passthroughClientErrorEvents = false,
    ...nodeClientOptions
  }: ClientOptions = {},
): TestSentinel {
  const create = (major === 5 ? createSentinel5 : createSentinel) as unknown as (options: object) => TestSentinel
  const sentinel = create({
    name,
    sentinelRootNodes: ports.map((port) => ({ host: '127.0.0.1', port })),
    ...(RESP && { RESP }),
    nodeAddressMap,
    scanInterval,
    passthroughClientErrorEvents,
    nodeClientOptions: { ...nodeClientOptions, socket: { reconnectStrategy: () => RECONNECT_MS, ...socket } },
    sentinelClientOptions: { socket: sentinelSocket },
  })
  sentinel.on('error', () => {})
  sentinel.connect().catch(() => {})
  return sentinel
}

const connecting = new WeakMap<TestCluster, Promise<unknown>>()

/**
 * Resolves when the first `connect` of a client of a Cluster has ended. `redis` does not try it again: a fault at that moment would end the
 * client, and an application that awaits `connect` would hear of it.
 */
export async function connected(cluster: TestCluster): Promise<void> {
  await connecting.get(cluster)
}

/**
 * Makes a client of a Cluster and begins to connect it.
 *
 * @param proxies - The ports at which the client reaches the nodes, in the order of `ports`. Default: `ports`.
 */
export function clusterOf(
  ports: readonly number[],
  { major = 6, RESP, socket, ...defaults }: ClientOptions = {},
  proxies: readonly number[] = ports,
): TestCluster {
  const create = (major === 5 ? createCluster5 : createCluster) as unknown as (options: object) => TestCluster
  const addresses = ports.map((port, i) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxies[i]! }])
  const cluster = create({
    rootNodes: unseen(proxies.map((port) => ({ socket: { host: '127.0.0.1', port } }))),
    nodeAddressMap: unseen(Object.fromEntries(addresses) as object),
    ...(RESP && { RESP }),
    defaults: { ...defaults, socket: { reconnectStrategy: () => RECONNECT_MS, ...socket } },
  })
  cluster.on('error', () => {})
  connecting.set(
    cluster,
    cluster.connect().catch(() => {}),
  )
  return cluster
}
