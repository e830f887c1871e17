import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { invalid } from '@sess/core/adapter'

/** The method of a `DynamoDBClient` of AWS SDK v3 that the store calls. */
export type DynamodbClient = Pick<DynamoDBClient, 'send'>

/** The default name of the table. */
export const TABLE = 'sess_sessions'

const SERVICE = 'DynamoDB'

/** Checks the arguments of `dynamodbStore` and `createSessionTable`. @throws {SessError} `invalid_option`. */
export function check(client: DynamodbClient, table: string): void {
  const wrong = misfit(client)
  if (wrong !== undefined)
    throw invalid(
      'client',
      `must be a DynamoDBClient of @aws-sdk/client-dynamodb, as from new DynamoDBClient({ region }), and is ${wrong}`,
    )
  if (typeof table !== 'string' || !/^(arn:[\w:-]+:table\/)?[\w.-]{3,255}$/.test(table))
    throw invalid('table', 'must be the name of a table, 3 to 255 letters, digits, dots, - and _, or its ARN')
}

/** Describes a value that is not a client of DynamoDB, without its content. Undefined: it is a client. */
function misfit(client: unknown): string | undefined {
  if (client === null || client === undefined) return String(client)
  if (typeof client === 'function') return 'a class or a function'
  if (typeof client !== 'object') return typeof client === 'string' ? 'text' : `a ${typeof client}`
  const { send, makeRequest, config } = client as Readonly<Record<string, unknown>>
  if (typeof send === 'function') {
    // A wrapper around a client need not have a config.
    const { serviceId = SERVICE } = (config ?? {}) as { readonly serviceId?: unknown }
    return serviceId === SERVICE ? undefined : `a client of ${String(serviceId)}`
  }
  if (typeof makeRequest === 'function') return 'a client of AWS SDK v2: use AWS SDK v3'
  return 'client' in client ? 'an object around a client' : 'an object that is not a client'
}
