import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { invalid } from '@sess/core/adapter'

/** What is called of a `DynamoDBClient` of AWS SDK v3. */
export type DynamodbClient = Pick<DynamoDBClient, 'send'>

/** What the table of sessions is called unless an option says otherwise. */
export const TABLE = 'sess_sessions'

/** @throws {SessError} `invalid_option`. */
export function check(client: DynamodbClient, table: string): void {
  if (typeof client?.send !== 'function')
    throw invalid('client', 'must be a DynamoDBClient of @aws-sdk/client-dynamodb')
  if (typeof table !== 'string' || !/^(arn:[\w:-]+:table\/)?[\w.-]{3,255}$/.test(table))
    throw invalid('table', 'must be the name of a table, 3 to 255 letters, digits, dots, - and _, or its ARN')
}
