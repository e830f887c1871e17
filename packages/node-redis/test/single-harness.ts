import { randomUUID } from 'node:crypto'
import driver from 'redis/package.json' with { type: 'json' }
import driver5 from 'redis5/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startRedis, type TestServer } from '@sess/test-servers'
import { clientOf as ioredisOf, disconnect } from '../../redis/test/client.ts'
import { demotionOf, grantIn, indexOf, Namespaces, rawOf, versionOf } from '../../redis/test/stored.ts'
import manifest from '../package.json' with { type: 'json' }
import { redisStore } from '../src/index.ts'
import { clientOf, type ClientOptions } from './client.ts'

/** The location of a namespace, and the options of its clients. */
interface Place {
  readonly port: number
  readonly prefix: string
  readonly options: ClientOptions
}

/** Opens another client of a namespace, also in the kit's other processes. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { port, prefix, options } = JSON.parse(argument) as Place
  const client = clientOf(port, options)
  const store = redisStore(client, { prefix })
  return {
    store,
    close: async () => {
      await store.close!()
      client.destroy()
    },
  }
}

let started: Promise<TestServer> | undefined

/** Returns the server of all namespaces. The first call starts it; it ends with this process. It keeps its data after a crash. */
export const server = (): Promise<TestServer> =>
  (started ??= startRedis({ appendonly: 'yes', appendfsync: 'no', user: grantIn(new URL('..', import.meta.url)) }))

const namespaces = new Namespaces()

/** Makes a harness. Each namespace is a prefix. The store on trial reaches the server through a proxy. */
function harnessOn(name: string, options: ClientOptions): Harness {
  return harnessOf({
    name,
    module: import.meta.url,
    connect,
    make: async () => {
      const redis = await server()
      namespaces.opened()
      const prefix = `sess:${randomUUID()}:`
      const faults = new SocketFaults()
      const proxy = await faults.listen(redis)
      // A second client looks past the store. It connects only in the few cases that need it.
      const admin = ioredisOf(redis.port, { lazyConnect: true })
      const argument = (port: number): string => JSON.stringify({ port, prefix, options } satisfies Place)
      return {
        argument: argument(redis.port),
        faulty: { faults, argument: argument(proxy) },
        raw: rawOf(admin, () => [admin], prefix),
        index: indexOf(admin, prefix),
        demotion: demotionOf(admin),
        ...(!options.username && {
          restart: async () => {
            await redis.kill()
            await redis.restart()
          },
        }),
        remove: async () => {
          await disconnect(admin)
          await faults.close()
          await namespaces.closed(redis.port)
        },
      }
    },
    versions: async () => ({
      [manifest.name]: manifest.version,
      redis: (options.major === 5 ? driver5 : driver).version,
      'redis-server': await versionOf((await server()).port),
    }),
  })
}

/** On RESP3, the client's default. */
export const harness: Harness = harnessOn('node-redis', {})

/** On RESP2, with the rights that the README grants. It has no restart: a restarted server forgets which commands it has refused. */
export const leastPrivileged: Harness = harnessOn('node-redis on RESP2, with the rights that the README grants', {
  RESP: 2,
  username: 'sess',
  password: 'secret',
})

export const onRedis5: Harness = harnessOn('node-redis on redis 5', { major: 5 })
