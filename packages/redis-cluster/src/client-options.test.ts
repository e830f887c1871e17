import { lookup, resolveSrv } from 'node:dns'
import { readFileSync } from 'node:fs'
import { Cluster, type ClusterOptions } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { use } from '../../redis/test/use.ts'
import { redisClusterStore } from './index.ts'

let servers: RedisCluster
beforeAll(async () => {
  servers = await startRedisCluster(3)
})
afterAll(() => servers.stop())

/** Values of an option with which a store is to work; the README's word where it is refused instead. */
type Row = readonly [verdict: 'works' | 'recommended' | 'refused', ...values: readonly ClusterOptions[]]

/** Every option of a Cluster: a new one does not compile before it has been looked at. */
const ROWS: Record<keyof ClusterOptions, Row> = {
  slotsRefreshInterval: ['recommended', { slotsRefreshInterval: 2000 }],
  redisOptions: [
    'recommended',
    { redisOptions: { socketTimeout: 3000 } },
    { redisOptions: { socketTimeout: 3000, stringNumbers: true } },
    { redisOptions: { socketTimeout: 3000, protocol: 2 } },
  ],
  scaleReads: ['refused', { scaleReads: 'slave' }, { scaleReads: 'all' }],
  clusterNodeRetryStrategy: ['works', { clusterNodeRetryStrategy: () => 10 }],
  clusterRetryStrategy: ['works', { clusterRetryStrategy: () => 10 }, { clusterRetryStrategy: null }],
  lazyConnect: ['works', { lazyConnect: true }],
  enableReadyCheck: ['works', { enableReadyCheck: false }],
  enableOfflineQueue: ['works', { enableOfflineQueue: false }],
  maxRedirections: ['works', { maxRedirections: 2 }],
  retryDelayOnFailover: ['works', { retryDelayOnFailover: 0 }],
  retryDelayOnClusterDown: ['works', { retryDelayOnClusterDown: 0 }],
  retryDelayOnTryAgain: ['works', { retryDelayOnTryAgain: 10 }],
  retryDelayOnMoved: ['works', { retryDelayOnMoved: 10 }],
  slotsRefreshTimeout: ['works', { slotsRefreshTimeout: 500 }],
  shardedSubscribers: ['works', { shardedSubscribers: true }],
  useSRVRecords: ['works', { useSRVRecords: false }],
  resolveSrv: ['works', { resolveSrv }],
  dnsLookup: ['works', { dnsLookup: lookup }],
  natMap: ['works', { natMap: {} }, { natMap: () => null }],
  enableAutoPipelining: ['works', { enableAutoPipelining: true }],
  autoPipeliningIgnoredCommands: ['works', { enableAutoPipelining: true, autoPipeliningIgnoredCommands: ['getrange'] }],
  keyPrefix: ['works', { keyPrefix: 'app:' }],
  scripts: ['works', { scripts: { mine: { lua: 'return 1', numberOfKeys: 0 } } }],
  himportFieldsets: ['works', { himportFieldsets: [] }],
  showFriendlyErrorStack: ['works', { showFriendlyErrorStack: true }],
}
const cases = Object.entries(ROWS).flatMap(([option, [verdict, ...values]]) =>
  values.map((value) => [option, verdict, value] as const),
)

test.each(cases)('a cluster with %s %s: %j', async (_, verdict, value) => {
  const ready = { slotsRefreshInterval: 2000, redisOptions: { socketTimeout: 10_000 } }
  const nodes = servers.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = new Cluster(nodes, {
    ...ready,
    ...value,
    ...(verdict === 'refused' && { lazyConnect: true }),
  } as object)
  client.on('error', () => {})
  try {
    if (verdict === 'refused') {
      expect(() => redisClusterStore(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
      return
    }
    if (value.enableOfflineQueue === false) await new Promise((resolve) => client.once('ready', resolve))
    await use(redisClusterStore(client))
  } finally {
    client.disconnect()
  }
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
})
