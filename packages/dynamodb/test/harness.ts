import { randomUUID } from 'node:crypto'
import {
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb'
import driver from '@aws-sdk/client-dynamodb/package.json' with { type: 'json' }
import type { SessionKey } from '@sess/core'
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { dynamodbVersion, startDynamodb, type TestServer } from '@sess/test-servers'
import manifest from '../package.json' with { type: 'json' }
import { createSessionTable, dynamodbStore } from '../src/index.ts'

/** A client of DynamoDB Local, or of what stands before it. */
export function clientOf(port: number, maxAttempts = 3): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
}

/** Another client of a table, by its port and name: for the kit's other processes, too. */
export async function connect(argument: string): Promise<Connection> {
  const [port, table] = argument.split('/')
  const client = clientOf(Number(port))
  return {
    store: dynamodbStore(client, { table: table! }),
    close: async () => client.destroy(),
  }
}

/** The items of a table, past the store. */
function rawOf(client: DynamoDBClient, table: string): Raw {
  const at = ({ tag, id }: SessionKey) => ({ TableName: table, Key: { tag: { S: tag }, id: { S: id } } })
  const bytesOf = ({ B, N, S }: AttributeValue): Uint8Array => B ?? Buffer.from(`${S ?? N} `)
  return {
    read: async (key) => (await client.send(new GetItemCommand({ ...at(key), ConsistentRead: true }))).Item?.payload?.B,
    write: async (key, bytes) =>
      void (await client.send(
        new UpdateItemCommand({
          ...at(key),
          // DynamoDB Local takes no empty bytes; none are as good.
          ...(bytes.length === 0
            ? { UpdateExpression: 'REMOVE payload' }
            : { UpdateExpression: 'SET payload = :payload', ExpressionAttributeValues: { ':payload': { B: bytes } } }),
        }),
      )),
    async dump() {
      const parts: Uint8Array[] = []
      for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
        parts.push(...Items.flatMap((item) => Object.values(item)).map(bytesOf))
      return Buffer.concat(parts)
    },
  }
}

let started: Promise<TestServer> | undefined
const server = (): Promise<TestServer> => (started ??= startDynamodb())

/**
 * Each namespace is a table of DynamoDB Local, which is started with the first and goes with this process. The store on
 * trial speaks to it through a proxy.
 */
export const harness: Harness = harnessOf({
  name: 'dynamodb',
  module: import.meta.url,
  connect,
  // DynamoDB Local fills an array of 16 MiB with zeros for each request.
  scale: 0.2,
  make: async () => {
    const local = await server()
    const table = randomUUID()
    const admin = clientOf(local.port)
    await createSessionTable(admin, { table })
    const faults = new SocketFaults()
    const proxy = await faults.listen(local)
    return {
      argument: `${local.port}/${table}`,
      faulty: { faults, argument: `${proxy}/${table}` },
      raw: rawOf(admin, table),
      // It forgets its tables.
      restart: async () => {
        await local.kill()
        await local.restart()
        await createSessionTable(admin, { table })
      },
      remove: async () => {
        // DynamoDB Local takes longer for everything, the more it holds. A server that a test has stopped has forgotten its tables.
        await admin.send(new DeleteTableCommand({ TableName: table })).catch(() => {})
        admin.destroy()
        await faults.close()
      },
    }
  },
  versions: async () => ({
    [manifest.name]: manifest.version,
    [driver.name]: driver.version,
    'DynamoDB Local': dynamodbVersion(),
  }),
})
