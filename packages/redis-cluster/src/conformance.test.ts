import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { harnessOn } from '../test/harness.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster(3)
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, user = ''] = /^ACL SETUSER (.+)$/m.exec(readme) ?? []
  for (const node of cluster.nodes) await cluster.cli(node, 'ACL', 'SETUSER', ...user.split(' '))
})
afterAll(() => cluster.stop())

const ports = (): number[] => cluster.nodes.map(({ port }) => port)

conformance(harnessOn('redis-cluster', ports))
conformance(
  harnessOn('redis-cluster with auto-pipelining, and the rights that the README grants', ports, 'sess', 'secret'),
)

test('the user had all the rights that were asked for, and no KEYS and no CONFIG', async () => {
  for (const node of cluster.nodes) {
    expect(await cluster.cli(node, 'ACL', 'LOG')).not.toMatch(/^object$/m)
    for (const command of [
      ['KEYS', '*'],
      ['CONFIG', 'GET', '*'],
    ])
      expect(await cluster.cli(node, 'ACL', 'DRYRUN', 'sess', ...command)).toMatch(/no permissions/)
  }
})
