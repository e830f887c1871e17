import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { SessionKey } from '@sess/core'
import type { Demotion, Index, Raw } from '@sess/conformance/harness'
import { says } from '@sess/test-servers'
import { clientOf, disconnect } from './client.ts'

/** A port on which no server is. */
const UNREACHABLE = 1

/**
 * The open namespaces of some servers. When there is none left, the servers are emptied: what a case leaves there would make each
 * count, and each restart, take longer.
 */
export class Namespaces {
  #open = 0

  opened(): void {
    this.#open++
  }

  async closed(...ports: readonly number[]): Promise<void> {
    if (--this.#open === 0) await Promise.all(ports.map((port) => says(port, 'FLUSHALL\r\n', /OK/)))
  }
}

/** What is stored under a prefix, past the store. @param nodes - The servers that hold it between them. */
export function rawOf(client: Redis | Cluster, nodes: () => readonly Redis[], prefix: string): Raw {
  const keyOf = ({ tag, id }: SessionKey): string => `${prefix}{${tag}}${id}`
  const valueOf = async (key: string): Promise<Buffer> =>
    key.endsWith('@')
      ? Buffer.from((await client.zrange(key, 0, '-1', 'WITHSCORES')).join(' '))
      : ((await client.getBuffer(key)) ?? Buffer.alloc(0))
  return {
    read: async (key) => (await client.getBuffer(keyOf(key))) ?? undefined,
    write: async (key, bytes) => void (await client.set(keyOf(key), Buffer.from(bytes), 'KEEPTTL')),
    async dump() {
      const parts: Buffer[] = []
      await client.exists(prefix) // a lazy client knows its nodes once it was asked for something
      for (const node of nodes())
        for await (const keys of node.scanStream({ match: `${prefix}*` }) as AsyncIterable<string[]>)
          for (const key of keys) parts.push(Buffer.from(`${key} `), await valueOf(key))
      return Buffer.concat(parts)
    },
  }
}

/** The indexes of subjects under a prefix. */
export function indexOf(client: Redis | Cluster, prefix: string): Index {
  return {
    lose: async ({ tag }) => void (await client.del(`${prefix}{${tag}}@`)),
    size: ({ tag }) => client.zcard(`${prefix}{${tag}}@`),
  }
}

/** A failover that leaves connections up: the server follows a master that it cannot reach, and serves what it has. */
export function demotionOf(client: Redis): Demotion {
  return {
    demote: async () => void (await client.replicaof('127.0.0.1', UNREACHABLE)),
    promote: async () => void (await client.replicaof('NO', 'ONE')),
  }
}

/** What a package's README says after ACL SETUSER: the user `sess`, whose password is `secret`, with the rights that suffice. */
export function grantIn(packageFolder: URL): readonly string[] {
  const [, user] = /^ACL SETUSER (.+)$/m.exec(readFileSync(new URL('README.md', packageFolder), 'utf8'))!
  return user!.split(' ')
}

/** What a server says its version is. */
export async function versionOf(port: number): Promise<string> {
  const client = clientOf(port)
  const said = await client.info('server')
  await disconnect(client)
  return /^redis_version:(\S+)/m.exec(said)![1]!
}
