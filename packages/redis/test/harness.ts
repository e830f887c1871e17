import { randomUUID } from 'node:crypto'
import driver from 'ioredis/package.json' with { type: 'json' }
import driver5 from 'ioredis5/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startRedis, type TestServer } from '@sess/test-servers'
import manifest from '../package.json' with { type: 'json' }
import { redisStore } from '../src/index.ts'
import { clientOf, disconnect, type ClientOptions } from './client.ts'
import { demotionOf, grantIn, indexOf, Namespaces, rawOf, versionOf } from './stored.ts'

/** Where a namespace is, and how it is used. */
interface Place {
  readonly port: number
  readonly prefix: string
  readonly options: ClientOptions
}

/** Another client of a namespace: for the kit's other processes, too. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { port, prefix, options } = JSON.parse(argument) as Place
  const redis = clientOf(port, options)
  const store = redisStore(redis, { prefix })
  return {
    store,
    // With the rights that the README grants: PING is none of them.
    ping: () => redis.getrange('sess:ping', 0, 0),
    close: async () => {
      await store.close!()
      await disconnect(redis)
    },
  }
}

let started: Promise<TestServer> | undefined

/**
 * The server of all namespaces: started when it is first asked for, gone with this process, and with its data after a crash.
 * It knows the user that the README makes.
 */
export const server = (): Promise<TestServer> =>
  (started ??= startRedis({ appendonly: 'yes', appendfsync: 'no', user: grantIn(new URL('..', import.meta.url)) }))

const namespaces = new Namespaces()

/** Each namespace is a prefix. The store on trial speaks to the server through a proxy. */
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
      // Most cases never look past the store.
      const admin = clientOf(redis.port, { lazyConnect: true })
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
      ioredis: (options.ioredis === 5 ? driver5 : driver).version,
      redis: await versionOf((await server()).port),
    }),
  })
}

export const harness: Harness = harnessOn('redis', {})

/** With auto-pipelining, and the rights that the README grants. A server that restarts forgets what it has refused. */
export const leastPrivileged: Harness = harnessOn('redis with auto-pipelining, and the rights that the README grants', {
  enableAutoPipelining: true,
  username: 'sess',
  password: 'secret',
})

export const onIoredis5: Harness = harnessOn('redis on ioredis 5', { ioredis: 5 })
