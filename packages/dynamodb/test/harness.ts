import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { harnessOf, type Connection, type Harness } from '@sess/conformance'
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
  return { store: dynamodbStore(client, { table: table! }), close: async () => client.destroy() }
}

/** Each namespace is a table. @param port - Asked for when a case begins. */
export function harnessOn(port: () => number): Harness {
  return harnessOf({
    name: 'dynamodb',
    module: import.meta.url,
    connect,
    make: async () => {
      const table = randomUUID()
      const client = clientOf(port())
      await createSessionTable(client, { table })
      return { argument: `${port()}/${table}`, remove: async () => client.destroy() }
    },
  })
}
