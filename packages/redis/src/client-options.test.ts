import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis, type RedisOptions } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis, startSentinels, type SentinelGroup, type TestServer } from '@sess/test-servers'
import { use } from '../test/use.ts'
import { redisStore } from './index.ts'

let server: TestServer
let group: SentinelGroup
beforeAll(async () => {
  server = await startRedis({ unixsocket: './redis.sock', user: ['ann', 'on', '>secret', '~*', '+@all'] })
  group = await startSentinels(1)
})
afterAll(async () => {
  await server.stop()
  await group.stop()
})

/** Values of an option with which a store is to work; the README's word where it is refused instead. */
type Row = readonly [verdict: 'works' | 'recommended' | 'refused', ...values: readonly Partial<RedisOptions>[]]

const never = (): void => {}
/** Every option of ioredis: a new one does not compile before it has been looked at. */
const ROWS: Record<Exclude<keyof RedisOptions, 'offlineQueue' | 'commandQueue'>, Row> = {
  host: ['works', { host: '127.0.0.1' }],
  port: ['works', {}],
  family: ['works', { host: 'localhost', family: 4 }],
  path: ['works'], // below: its value is known once the server runs
  tls: ['works'], // in tls.test.ts
  username: ['works', { username: 'ann', password: 'secret' }],
  password: ['works', { username: 'ann', password: 'secret' }],
  db: ['works', { db: 1 }],
  keyPrefix: ['works', { keyPrefix: 'app:' }],
  protocol: ['works', { protocol: 2 }, { protocol: 3 }],
  replyMapping: ['works', { replyMapping: 'legacy' }, { replyMapping: 'resp3' }],
  stringNumbers: ['works', { stringNumbers: true }, { stringNumbers: true, replyMapping: 'resp3' }],
  enableAutoPipelining: ['works', { enableAutoPipelining: true }],
  autoPipeliningIgnoredCommands: [
    'works',
    { enableAutoPipelining: true, autoPipeliningIgnoredCommands: ['getrange', 'del'] },
  ],
  enableOfflineQueue: ['works', { enableOfflineQueue: false }],
  enableReadyCheck: ['works', { enableReadyCheck: false }],
  lazyConnect: ['works', { lazyConnect: true }],
  retryStrategy: ['works', { retryStrategy: null }, { retryStrategy: () => 10 }],
  maxRetriesPerRequest: ['works', { maxRetriesPerRequest: null }, { maxRetriesPerRequest: 0 }],
  maxLoadingRetryTime: ['works', { maxLoadingRetryTime: 10 }],
  autoResendUnfulfilledCommands: ['works', { autoResendUnfulfilledCommands: false }],
  autoResubscribe: ['works', { autoResubscribe: false }],
  reconnectOnError: [
    'recommended',
    { reconnectOnError: ({ message }) => message.startsWith('READONLY') },
    { reconnectOnError: () => 2 },
  ],
  socketTimeout: ['recommended', { socketTimeout: 3000 }],
  commandTimeout: ['works', { commandTimeout: 5000 }],
  connectTimeout: ['works', { connectTimeout: 5000 }],
  disconnectTimeout: ['works', { disconnectTimeout: 100 }],
  blockingTimeout: ['works', { blockingTimeout: 1000 }],
  blockingTimeoutGrace: ['works', { blockingTimeout: 1000, blockingTimeoutGrace: 10 }],
  keepAlive: ['works', { keepAlive: 0 }],
  noDelay: ['works', { noDelay: false }],
  connectionName: ['works', { connectionName: 'sessions' }],
  disableClientInfo: ['works', { disableClientInfo: true }],
  clientInfoTag: ['works', { clientInfoTag: 'sessions' }],
  showFriendlyErrorStack: ['works', { showFriendlyErrorStack: true }],
  scripts: ['works', { scripts: { mine: { lua: 'return 1', numberOfKeys: 0 } } }],
  himportFieldsets: ['works', { himportFieldsets: [] }],
  Connector: ['works', { Connector: undefined }],
  readOnly: ['refused', { readOnly: true }],
  monitor: ['refused', { monitor: true }],
  role: ['refused', { role: 'slave' }],
  preferredSlaves: ['refused', { role: 'slave', preferredSlaves: () => null }],
  sentinels: ['works', {}],
  name: ['works', {}],
  failoverDetector: ['recommended', { failoverDetector: true }],
  sentinelUsername: ['works', {}],
  sentinelPassword: ['works', {}],
  sentinelRetryStrategy: ['works', { sentinelRetryStrategy: () => 10 }, { sentinelRetryStrategy: never }],
  sentinelReconnectStrategy: ['works', { failoverDetector: true, sentinelReconnectStrategy: () => 10 }],
  sentinelCommandTimeout: ['works', { sentinelCommandTimeout: 1000 }],
  sentinelMaxConnections: ['works', { failoverDetector: true, sentinelMaxConnections: 1 }],
  sentinelTLS: ['works'], // in tls.test.ts
  enableTLSForSentinelMode: ['works', { enableTLSForSentinelMode: false }],
  updateSentinels: ['works', { updateSentinels: false }],
  natMap: ['works', { natMap: {} }],
}
/** Options that have a test of their own. */
const APART = ['path', 'tls', 'sentinelTLS']

const cases = Object.entries(ROWS).flatMap(([option, [verdict, ...values]]) =>
  values.map((value) => [option, verdict, value] as const),
)

/** A client with an option: of Sentinels where the option is about these. */
function clientWith(option: string, value: Partial<RedisOptions>): Redis {
  const sentinels = group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const place = /entinel|natMap|failover|^name$|^role|preferred/.test(option)
    ? { sentinels, name: group.name, failoverDetector: true, socketTimeout: 3000 }
    : { port: server.port }
  const client = new Redis({ ...place, ...value } as never)
  client.on('error', () => {})
  return client
}

test.each(cases)('a client with %s %s: %j', async (option, verdict, value) => {
  const client = clientWith(option, verdict === 'refused' ? { ...value, lazyConnect: true } : value)
  try {
    if (verdict === 'refused') {
      expect(() => redisStore(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
      return
    }
    if (client.options.enableOfflineQueue === false) await new Promise((ready) => client.once('ready', ready))
    await use(redisStore(client))
  } finally {
    client.disconnect()
  }
})

test('a client of a Unix socket works', async () => {
  const client = new Redis(join(server.folder, 'redis.sock'))
  await use(redisStore(client))
  client.disconnect()
})

test('the table in the README has the verdict of every option that is tried here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /## Client options\n(.*?)\n## /s.exec(readme) ?? []
  const said = new Map<string, string>()
  for (const [, options = '', verdict = ''] of section.matchAll(/^\| (`[^|]+) +\| (works|refused|recommended)/gm))
    for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(Object.entries(ROWS).map(([option, [verdict]]) => [option, verdict])),
  )
  const tried = Object.keys(ROWS).filter((option) => !APART.includes(option))
  expect([...new Set(cases.map(([option]) => option))]).toEqual(tried)
})
