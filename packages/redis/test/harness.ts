import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Connection, Harness } from '@sess/conformance'
import { redisStore } from '../src/index.ts'

/** Another client of a namespace, for the kit's other processes, too. */
export async function connect(argument: string): Promise<Connection> {
  const [url, prefix] = argument.split(' ', 2) as [string, string]
  const redis = new Redis(url)
  const store = redisStore(redis, { prefix })
  return {
    store,
    close: async () => {
      await store.close!()
      redis.disconnect()
    },
  }
}

/** Each namespace is a prefix on one server. */
export function harnessOn(name: string, url: () => string): Harness {
  return {
    name,
    process: { module: import.meta.url },
    open: async () => {
      const argument = `${url()} sess:${randomUUID()}:`
      const connections = [await connect(argument)]
      return {
        store: connections[0]!.store,
        argument,
        connect: async () => {
          const connection = await connect(argument)
          connections.push(connection)
          return connection.store
        },
        close: async () => {
          for (const { close } of connections) await close()
        },
      }
    },
  }
}
