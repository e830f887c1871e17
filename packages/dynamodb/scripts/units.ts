import { randomBytes } from 'node:crypto'
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb'
import type { SessionKey, SessionRecord } from '@sess/core'
import { startDynamodb } from '@sess/test-servers'
import { asExpected, sum } from '@sess/core/adapter'
import { openFixture, type Fixture } from '../test/session-table-fixture.ts'

/** What one call costs: requests on the wire, and the units that DynamoDB says it consumed. */
interface Cost {
  readonly requests: number
  readonly reads: number
  readonly writes: number
}

/** Sizes of payloads, in bytes: what core stores for a small session, and for a large one. */
const SIZES = [500, 5000]
const WRITES = /^(Put|Update|Delete)/

/**
 * Measures what each operation of the store consumes, on DynamoDB Local.
 *
 * @param port - Where it listens.
 * @returns A table in Markdown.
 */
export async function measure(port: number): Promise<string> {
  const operations = new Map<string, Cost[]>()
  for (const size of SIZES) {
    const fixture = await openFixture(port)
    for (const [name, cost] of await costsOf(fixture, size))
      operations.set(name, [...(operations.get(name) ?? []), cost])
    await fixture.close()
  }
  const heads = ['', 'requests', ...SIZES.flatMap((size) => [`${size} bytes: read units`, 'write units'])]
  const rows = Array.from(operations, ([name, costs]) => [
    name,
    [...new Set(costs.map(({ requests }) => requests))].join(', '),
    ...costs.flatMap(({ reads, writes }) => [reads, writes]),
  ])
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

async function costsOf({ store, client, gateway }: Fixture, size: number): Promise<Map<string, Cost>> {
  let consumed: { operation: string; units: number }[] = []
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } })
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: ConsumedCapacity }
      consumed.push({ operation: context.commandName!, units: ConsumedCapacity!.CapacityUnits! })
      return result
    },
    { step: 'initialize' },
  )
  const costs = new Map<string, Cost>()
  async function cost(name: string, act: () => Promise<unknown>): Promise<void> {
    consumed = []
    gateway.requests.length = 0
    await act()
    const sum = (writes: boolean): number =>
      consumed.filter(({ operation }) => WRITES.test(operation) === writes).reduce((all, { units }) => all + units, 0)
    costs.set(name, { requests: gateway.requests.length, reads: sum(false), writes: sum(true) })
  }

  // Numbers are stored without the zeros at their end: at another time an item may be a byte larger.
  const now = 1_800_000_000_123
  const record: SessionRecord = { revision: 1, expiresAt: now + 60_000, subject: 'ann', payload: randomBytes(size) }
  const keyOf = (tag: string): SessionKey => ({ tag, id: randomBytes(12).toString('base64url') })
  const key = keyOf('annannannann')
  const ann = { id: 'ann', tag: key.tag }
  await cost('`create`', () => store.create(key, record, now))
  await cost('`read`', () => store.read(key, now))
  await cost('`read` of nothing', () => store.read(keyOf(key.tag), now))
  await cost('`replace`', () => store.replace(key, asExpected(record), { ...record, revision: 2 }, now))
  await cost('`touch`', () => store.touch(key, asExpected({ ...record, revision: 2 }), now + 90_000, now))
  await cost('`delete`', () => store.delete(key, now))
  for (let i = 0; i < 5; i++) await store.create(keyOf(key.tag), record, now)
  await cost('`list` of 5 sessions', () => Array.fromAsync(store.list!(ann, now)))
  await cost('`deleteSubject` of 5 sessions', () => sum(store.deleteSubject!(ann, now)))
  const create = () => store.create(keyOf(randomBytes(9).toString('base64url')), record, now)
  for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 50 }, create))
  await cost('`count` of 200 sessions', () => sum(store.count!(now)))
  return costs
}

if (import.meta.main) {
  await using server = await startDynamodb()
  console.log(await measure(server.port))
}
