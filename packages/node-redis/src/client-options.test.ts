import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createClient,
  createCluster,
  createSentinel,
  type RedisClientOptions,
  type RedisClusterOptions,
  type RedisSentinelOptions,
} from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  startRedis,
  startRedisCluster,
  startSentinels,
  type RedisCluster,
  type SentinelGroup,
  type TestServer,
} from '@sess/test-servers'
import { use } from '../../redis/test/use.ts'
import { redisClusterStore, redisStore } from './index.ts'

let server: TestServer
let group: SentinelGroup
let nodes: RedisCluster
beforeAll(async () => {
  server = await startRedis({ unixsocket: './redis.sock', user: ['ann', 'on', '>secret', '~*', '+@all'] })
  group = await startSentinels(1)
  nodes = await startRedisCluster(3)
})
afterAll(async () => {
  for (const each of [server, group, nodes]) await each.stop()
})

/** The README's verdict on an option, and the values of the option with which this test makes a client. */
type Row<Options> = readonly [verdict: 'works' | 'recommended' | 'refused', ...values: readonly Values<Options>[]]
type Values<Options> = Partial<Omit<Options, 'RESP'>> & { readonly RESP?: 2 | 3 }
/** Options that `redis` sets itself for clients that it makes from other clients. */
type Internal = 'himportRegistry'
/** A row for every option. A new option of `redis` fails to compile until it has a row here. */
type Rows<Options> = Record<Exclude<keyof Options, Internal>, Row<Options>>

const BLOB_STRING = 36
const mapping = { typeMapping: { [BLOB_STRING]: Buffer } } as const
const scripts = { scripts: {} }

const CLIENT: Rows<RedisClientOptions> = {
  url: ['works'], // below: its value is known once the server runs
  socket: [
    'works',
    { socket: { reconnectStrategy: 10 } },
    { socket: { reconnectStrategy: false } },
    { socket: { connectTimeout: 1000, keepAlive: false, noDelay: false, family: 4 } },
  ],
  username: ['works', { username: 'ann', password: 'secret' }],
  password: ['works', { username: 'ann', password: 'secret', RESP: 2 }],
  credentialsProvider: [
    'works',
    {
      credentialsProvider: {
        type: 'async-credentials-provider',
        credentials: async () => ({ username: 'ann', password: 'secret' }),
      },
    },
  ],
  name: ['works', { name: 'sessions' }],
  database: ['works', { database: 1 }],
  keyPrefix: ['works', { keyPrefix: 'app:' }, { keyPrefix: Buffer.from('app:') }],
  commandsQueueMaxLength: ['works', { commandsQueueMaxLength: 20 }],
  disableOfflineQueue: ['works', { disableOfflineQueue: true }],
  readonly: ['refused', { readonly: true }],
  pingInterval: ['works', { pingInterval: 10 }],
  commandOptions: [
    'works',
    { commandOptions: mapping },
    { commandOptions: { timeout: 1 } },
    { commandOptions: { asap: true } },
    { commandOptions: { abortSignal: AbortSignal.abort() } },
  ],
  clientSideCache: ['works', { clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }],
  emitInvalidate: ['works', { emitInvalidate: true }],
  disableClientInfo: ['works', { disableClientInfo: true }],
  clientInfoTag: ['works', { clientInfoTag: 'sessions' }],
  RESP: ['works', { RESP: 2 }, { RESP: 3 }],
  modules: ['works', { modules: {} }],
  functions: ['works', { functions: {} }],
  scripts: ['works', scripts],
  maintNotifications: ['works', { maintNotifications: 'disabled' }, { maintNotifications: 'auto' }],
  maintEndpointType: ['works', { maintEndpointType: 'none' }],
  maintRelaxedCommandTimeout: ['works', { maintRelaxedCommandTimeout: 1000 }],
  maintRelaxedSocketTimeout: ['works', { maintRelaxedSocketTimeout: 1000 }],
}

const SENTINEL: Rows<RedisSentinelOptions> = {
  name: ['works', {}],
  sentinelRootNodes: ['works', {}],
  maxCommandRediscovers: ['works', { maxCommandRediscovers: 0 }],
  nodeClientOptions: ['works', { nodeClientOptions: { clientInfoTag: 'sessions' } }],
  sentinelClientOptions: ['works', { sentinelClientOptions: { clientInfoTag: 'sessions' } }],
  masterPoolSize: ['works', { masterPoolSize: 3 }],
  replicaPoolSize: ['works', { replicaPoolSize: 1 }],
  reserveClient: ['works', { reserveClient: true }],
  nodeAddressMap: ['works', { nodeAddressMap: {} }],
  scanInterval: ['recommended', { scanInterval: 1000 }],
  passthroughClientErrorEvents: ['works', { passthroughClientErrorEvents: true }],
  clientSideCache: ['works', { clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }],
  commandOptions: ['works', { commandOptions: mapping }],
  keyPrefix: ['works', { keyPrefix: 'app:' }],
  RESP: ['works', { RESP: 2 }],
  modules: ['works', { modules: {} }],
  functions: ['works', { functions: {} }],
  scripts: ['works', scripts],
}

const CLUSTER: Rows<RedisClusterOptions> = {
  rootNodes: ['works', {}],
  defaults: ['works', { defaults: { pingInterval: 1000, socket: { socketTimeout: 3000 } } }],
  minimizeConnections: ['works', { minimizeConnections: true }],
  useReplicas: ['refused', { useReplicas: true }],
  maxCommandRedirections: ['works', { maxCommandRedirections: 2 }],
  topologyRefreshOnReconnectionAttemptStrategy: ['works', { topologyRefreshOnReconnectionAttemptStrategy: false }],
  nodeAddressMap: [
    'works',
    { nodeAddressMap: (address: string) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) }) },
  ],
  clientSideCache: ['works', { clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }],
  commandOptions: ['works', { commandOptions: mapping }],
  keyPrefix: ['works', { keyPrefix: 'app:' }],
  RESP: ['works', { RESP: 2 }],
  modules: ['works', { modules: {} }],
  functions: ['works', { functions: {} }],
  scripts: ['works', scripts],
}

type Case = readonly [option: string, verdict: string, value: object]
const casesOf = (rows: Record<string, readonly [string, ...object[]]>): readonly Case[] =>
  Object.entries(rows).flatMap(([option, [verdict, ...values]]) =>
    values.map((value) => [option, verdict, value] as const),
  )

/** Connects a client and calls each method of its store. If the verdict is `refused`, it expects an error instead. */
async function tryOut<
  Client extends { on(event: 'error', listener: () => void): unknown; connect(): Promise<unknown>; destroy(): unknown },
>(client: Client, verdict: string, storeOf: (client: Client) => ReturnType<typeof redisStore>): Promise<void> {
  if (verdict === 'refused') {
    expect(() => storeOf(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    return
  }
  client.on('error', () => {})
  await client.connect()
  try {
    await use(storeOf(client))
  } finally {
    await client.destroy()
  }
}

describe('createClient', () => {
  test.each(casesOf(CLIENT))('with %s %s: %j', (_, verdict, value) => {
    const { socket, ...rest } = value as { socket?: object }
    return tryOut(createClient({ ...rest, socket: { port: server.port, ...socket } }), verdict, (client) =>
      redisStore(client),
    )
  })

  test('with a URL, or a Unix socket', async () => {
    await tryOut(createClient({ url: `redis://127.0.0.1:${server.port}` }), 'works', (client) => redisStore(client))
    await tryOut(createClient({ socket: { path: join(server.folder, 'redis.sock'), tls: false } }), 'works', (client) =>
      redisStore(client),
    )
  })

  test('with command options that were set on the client later', async () => {
    await tryOut(createClient({ socket: { port: server.port } }), 'works', (client) =>
      redisStore(client.withTypeMapping(mapping.typeMapping)),
    )
  })
})

describe('createSentinel', () => {
  test.each(casesOf(SENTINEL))('with %s %s: %j', (_, verdict, value) => {
    const sentinelRootNodes = group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
    return tryOut(createSentinel({ name: group.name, sentinelRootNodes, ...value }), verdict, (client) =>
      redisStore(client),
    )
  })
})

describe('createCluster', () => {
  test.each(casesOf(CLUSTER))('with %s %s: %j', (_, verdict, value) => {
    const rootNodes = nodes.nodes.map(({ port }) => ({ socket: { host: '127.0.0.1', port } }))
    return tryOut(createCluster({ rootNodes, ...value }), verdict, (client) => redisClusterStore(client))
  })
})

test('the table in the README has the verdict of every option that is tried here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /## Client options\n(.*?)\n## /s.exec(readme) ?? []
  const tables = section.split(/^Of `create/m).map((part) => {
    const said = new Map<string, string>()
    for (const [, options = '', verdict = ''] of part.matchAll(/^\| (`[^|]+) +\| (works|refused|recommended)/gm))
      for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
    return Object.fromEntries(said)
  })
  expect(tables).toEqual(
    [CLIENT, SENTINEL, CLUSTER].map((rows) =>
      Object.fromEntries(Object.entries(rows).map(([option, [verdict]]) => [option, verdict])),
    ),
  )
})
