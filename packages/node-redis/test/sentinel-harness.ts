import { randomUUID } from 'node:crypto'
import driver from 'redis/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startSentinels, type SentinelGroup } from '@sess/test-servers'
import { clientOf as ioredisOf, disconnect } from '../../redis/test/client.ts'
import { indexOf, Namespaces, rawOf, versionOf } from '../../redis/test/stored.ts'
import manifest from '../package.json' with { type: 'json' }
import { redisStore } from '../src/index.ts'
import { sentinelOf } from './client.ts'

/** The location of a namespace. */
interface Place {
  readonly name: string
  readonly sentinels: readonly number[]
  readonly prefix: string
  /** The port of the master. */
  readonly master: number
  /** The port at which clients reach the master. */
  readonly proxy: number
}

/** Opens another client of a namespace, also in the kit's other processes. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { name, sentinels, prefix, master, proxy } = JSON.parse(argument) as Place
  const sentinel = sentinelOf(name, sentinels, {
    nodeAddressMap: { [`127.0.0.1:${master}`]: { host: '127.0.0.1', port: proxy } },
  })
  const store = redisStore(sentinel, { prefix })
  return {
    store,
    close: async () => {
      await store.close!()
      await sentinel.destroy()
    },
  }
}

let started: Promise<SentinelGroup> | undefined

/** Returns the group of all namespaces, in which no failover happens. The first call starts it; it ends with this process. */
const group = (): Promise<SentinelGroup> => (started ??= start())

async function start(): Promise<SentinelGroup> {
  const sentinels = await startSentinels(1)
  await sentinels.tolerate(3_600_000)
  return sentinels
}

const namespaces = new Namespaces()

/** Each namespace is a prefix. The store on trial reaches the master that Sentinels name through a proxy. */
export const harness: Harness = harnessOf({
  name: 'node-redis-sentinel',
  module: import.meta.url,
  connect,
  make: async () => {
    const { name, servers, sentinels } = await group()
    namespaces.opened()
    const [master] = servers
    const prefix = `sess:${randomUUID()}:`
    const faults = new SocketFaults()
    const through = await faults.listen(master!)
    // A second client looks past the store. It connects only in the few cases that need it.
    const admin = ioredisOf(master!.port, { lazyConnect: true })
    const argument = (proxy: number): string =>
      JSON.stringify({
        name,
        sentinels: sentinels.map(({ port }) => port),
        prefix,
        master: master!.port,
        proxy,
      } satisfies Place)
    return {
      argument: argument(master!.port),
      faulty: { faults, argument: argument(through) },
      raw: rawOf(admin, () => [admin], prefix),
      index: indexOf(admin, prefix),
      restart: async () => {
        await master!.kill()
        await master!.restart()
      },
      remove: async () => {
        await disconnect(admin)
        await faults.close()
        await namespaces.closed(master!.port)
      },
    }
  },
  versions: async () => ({
    [manifest.name]: manifest.version,
    redis: driver.version,
    'redis-server': await versionOf((await group()).servers[0]!.port),
  }),
})
