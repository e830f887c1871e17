import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createSessionTable, dynamodbStore, type DynamodbClient } from './index.ts'

const client = new DynamoDBClient({ region: 'local' })
afterAll(() => client.destroy())

/** What a client of AWS SDK v2 shows. */
const ofVersion2 = { config: { region: 'local' }, makeRequest() {}, putItem() {} }
/** What every client of AWS SDK v3 shows. */
const ofAnotherService = { config: { serviceId: 'S3' }, send() {} }

test.each<[what: string, passed: unknown, message: string]>([
  ['nothing', undefined, 'and is undefined'],
  ['null', null, 'and is null'],
  ['an endpoint', 'http://localhost:8000', 'and is text'],
  ['the class', DynamoDBClient, 'and is a class or a function'],
  ['options', { region: 'eu-west-1' }, 'and is an object that is not a client'],
  ['a client in an object', { client }, 'and is an object around a client'],
  ['a client of AWS SDK v2', ofVersion2, 'and is a client of AWS SDK v2: use AWS SDK v3'],
  ['a client of another service', ofAnotherService, 'and is a client of S3'],
])('%s is refused by both, saying what to pass', async (_, passed, message) => {
  const refused = expect.objectContaining({
    code: 'invalid_option',
    message: expect.stringMatching(/^client must be a DynamoDBClient of @aws-sdk\/client-dynamodb/),
  }) as Error
  for (const use of [dynamodbStore, createSessionTable] as const) {
    const made = async (): Promise<unknown> => use(passed as DynamodbClient)
    await expect(made()).rejects.toEqual(refused)
    await expect(made()).rejects.toThrow(message)
  }
})

test('a wrapper around a client is accepted if it has send', () => {
  const around: DynamodbClient = { send: client.send.bind(client) as DynamodbClient['send'] }
  expect(dynamodbStore(around).name).toBe('dynamodb')
})
