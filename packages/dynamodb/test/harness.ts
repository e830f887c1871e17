import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Connection, Harness } from '@sess/conformance'
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
export function harnessOf(port: () => number): Harness {
  return {
    name: 'dynamodb',
    process: { module: import.meta.url },
    open: async () => {
      const argument = `${port()}/${randomUUID()}`
      const client = clientOf(port())
      await createSessionTable(client, { table: argument.split('/')[1]! })
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
          client.destroy()
        },
      }
    },
  }
}
