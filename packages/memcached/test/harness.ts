import { randomUUID } from 'node:crypto'
import type { Client } from 'memjs'
import driver from 'memjs/package.json' with { type: 'json' }
import type { SessionKey } from '@sess/core'
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startMemcached, type TestServer } from '@sess/test-servers'
import manifest from '../package.json' with { type: 'json' }
import { memcachedStore } from '../src/index.ts'
import { clientOf } from './client.ts'
import { keysOn, stated } from './fixture.ts'

/** Where a namespace is. */
interface Place {
  readonly port: number
  readonly prefix: string
}

/** Another client of a namespace: for the kit's other processes, too. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { port, prefix } = JSON.parse(argument) as Place
  const client = clientOf(port)
  return {
    store: memcachedStore(client, { prefix }),
    close: async () => client.close(),
  }
}

/** What is stored under a prefix, past the store: the epochs of subjects, too. */
function rawOf(client: Client, { port, prefix }: Place): Raw {
  const keyOf = ({ tag, id }: SessionKey): string => prefix + tag + id
  const valueOf = async (key: string): Promise<Buffer | undefined> => (await client.get(key)).value ?? undefined
  return {
    read: (key) => valueOf(keyOf(key)),
    write: async (key, bytes) => void (await client.set(keyOf(key), Buffer.from(bytes), { expires: 600 })),
    async dump() {
      const parts: Buffer[] = []
      for (const key of await keysOn(port, prefix))
        parts.push(Buffer.from(`${key} `), (await valueOf(key)) ?? Buffer.alloc(0))
      return Buffer.concat(parts)
    },
  }
}

let started: Promise<TestServer> | undefined
const server = (): Promise<TestServer> => (started ??= startMemcached())

/**
 * Each namespace is a prefix on one server, which is started with the first and goes with this process. The store on trial
 * speaks to it through a proxy.
 */
export const harness: Harness = harnessOf({
  name: 'memcached',
  module: import.meta.url,
  connect,
  make: async () => {
    const memcached = await server()
    const place: Place = { port: memcached.port, prefix: `${randomUUID()}:` }
    const faults = new SocketFaults()
    const proxy = await faults.listen(memcached)
    const direct = clientOf(place.port)
    return {
      argument: JSON.stringify(place),
      faulty: { faults, argument: JSON.stringify({ ...place, port: proxy } satisfies Place) },
      raw: rawOf(direct, place),
      restart: async () => {
        await memcached.kill()
        await memcached.restart()
      },
      remove: async () => {
        direct.close()
        await faults.close()
      },
    }
  },
  versions: async () => ({
    [manifest.name]: manifest.version,
    memjs: driver.version,
    memcached: await stated((await server()).port, 'version'),
  }),
})
