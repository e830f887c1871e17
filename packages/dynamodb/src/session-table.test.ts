import { readFileSync } from 'node:fs'
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  type TimeToLiveSpecification,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { asExpected, sum } from '@sess/core/adapter'
import { measure } from '../scripts/units.ts'
import { openGateway, type Gateway } from '../test/gateway.ts'
import { clientOf } from '../test/harness.ts'
import { keyOf, now, recordOf } from '../test/session-table-fixture.ts'
import { createSessionTable, dynamodbStore, type DynamodbClient } from './index.ts'

let gateway: Gateway
let client: DynamoDBClient

beforeAll(async () => {
  gateway = await openGateway(inject('dynamodbPort'))
  client = clientOf(gateway.port, 1)
})
afterAll(async () => {
  client.destroy()
  await gateway.close()
})

/** What makes a table of sessions what it is. */
async function described(table: string) {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }))
  return {
    key: Table!.KeySchema,
    types: Table!.AttributeDefinitions,
    billing: Table!.BillingModeSummary?.BillingMode,
    ttl: TimeToLiveDescription,
  }
}

const made = {
  key: [
    { AttributeName: 'tag', KeyType: 'HASH' },
    { AttributeName: 'id', KeyType: 'RANGE' },
  ],
  types: [
    { AttributeName: 'tag', AttributeType: 'S' },
    { AttributeName: 'id', AttributeType: 'S' },
  ],
  billing: 'PAY_PER_REQUEST',
  ttl: { TimeToLiveStatus: 'ENABLED', AttributeName: 'purgeAt' },
}

describe('createSessionTable', () => {
  test('creates an on-demand table that removes expired items, and leaves an existing table as it is', async () => {
    await createSessionTable(client)
    expect(await described('sess_sessions')).toEqual(made)
    const key = keyOf()
    await dynamodbStore(client).create(key, recordOf(), now)
    await createSessionTable(client)
    expect(await dynamodbStore(client).read(key, now)).toBeDefined()
  })

  test('may run in several processes at once', async () => {
    await Promise.all(Array.from({ length: 5 }, () => createSessionTable(client, { table: 'at-once' })))
    expect(await described('at-once')).toEqual(made)
  })

  test('waits until the table is active, no longer than its option says', async () => {
    const absent = { status: 400, type: 'ResourceNotFoundException' }
    gateway.fates.set('DescribeTable', [absent, absent])
    await createSessionTable(client, { table: 'later' })
    gateway.fates.set('DescribeTable', [absent])
    await expect(createSessionTable(client, { table: 'later', timeout: 0 })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('later'),
    })
  })

  test('refuses a table with another key or another time to live', async () => {
    const other = (name: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName: name, KeyType })
    await client.send(
      new CreateTableCommand({
        TableName: 'turned',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: made.types as CreateTableCommandInput['AttributeDefinitions'],
        KeySchema: [other('id', 'HASH'), other('tag', 'RANGE')],
      }),
    )
    await expect(createSessionTable(client, { table: 'turned' })).rejects.toMatchObject({ code: 'configuration' })
    await client.send(
      new CreateTableCommand({
        TableName: 'lives-on',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: made.types as CreateTableCommandInput['AttributeDefinitions'],
        KeySchema: made.key as CreateTableCommandInput['KeySchema'],
      }),
    )
    const TimeToLiveSpecification = { AttributeName: 'expires', Enabled: true }
    await client.send(new UpdateTimeToLiveCommand({ TableName: 'lives-on', TimeToLiveSpecification }))
    await expect(createSessionTable(client, { table: 'lives-on' })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('expires'),
    })
  })

  test('passes on errors of DynamoDB as typed errors', async () => {
    gateway.fates.set('CreateTable', [{ status: 400, type: 'AccessDeniedException', message: 'No.' }])
    await expect(createSessionTable(client)).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { name: 'AccessDeniedException' },
    })
    await expect(createSessionTable({} as DynamodbClient)).rejects.toMatchObject({ code: 'invalid_option' })
    await expect(createSessionTable(client, { name: 'a' } as object)).rejects.toThrow('createSessionTable()')
    await expect(createSessionTable(client, { table: '' })).rejects.toMatchObject({ code: 'invalid_option' })
  })
})

describe('the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const blocks = (language: string): string[] =>
    [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , text]) => text!)

  test('has CloudFormation that makes the same table', async () => {
    const { Resources } = parse(blocks('yaml')[0]!) as {
      Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>
    }
    const [{ Type, Properties } = { Type: '', Properties: {} }] = Object.values(Resources)
    const { TimeToLiveSpecification, ...input } = Properties
    expect(Type).toBe('AWS::DynamoDB::Table')
    await client.send(
      new CreateTableCommand({ ...(input as unknown as CreateTableCommandInput), TableName: 'by-cloudformation' }),
    )
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: 'by-cloudformation',
        TimeToLiveSpecification: TimeToLiveSpecification as TimeToLiveSpecification,
      }),
    )
    expect(await described('by-cloudformation')).toEqual(made)
    await createSessionTable(client, { table: 'by-cloudformation' })
  })

  test('has Terraform for the same table', () => {
    const text = blocks('hcl')[0]!
    const values = (name: string): string[] =>
      [...text.matchAll(new RegExp(`\\b${name}\\s*=\\s*"?([^"\\s]+)`, 'g'))].map(([, value]) => value!)
    expect([values('hash_key'), values('range_key'), values('billing_mode')]).toEqual([
      ['tag'],
      ['id'],
      ['PAY_PER_REQUEST'],
    ])
    expect([values('name'), values('type')]).toEqual([
      ['sess_sessions', 'tag', 'id'],
      ['S', 'S'],
    ])
    expect([values('attribute_name'), values('enabled')]).toEqual([['purgeAt'], ['true']])
  })

  test('has policies that allow the requests of the store, and no others', async () => {
    const actionsOf = (policy: string): string[] =>
      (JSON.parse(policy) as { Statement: { Action: string[] }[] }).Statement.flatMap(({ Action }) => Action)
    const [serving, making] = blocks('json').map(actionsOf)
    const called = async (act: () => Promise<unknown>): Promise<string[]> => {
      gateway.requests.length = 0
      await act()
      return [...new Set(gateway.requests)].map((operation) => `dynamodb:${operation}`).toSorted()
    }
    const table = 'least-privilege'
    expect(await called(() => createSessionTable(client, { table }))).toEqual(making!.toSorted())
    const store = dynamodbStore(client, { table })
    const key = keyOf()
    const everything = async (): Promise<void> => {
      await store.create(key, recordOf({ subject: 'ann' }), now)
      const read = (await store.read(key, now))!
      await store.replace(key, read, { ...read, revision: 2 }, now)
      await store.touch(key, asExpected({ ...read, revision: 2 }), now + 90_000, now)
      await Array.fromAsync(store.list!({ id: 'ann', tag: key.tag }, now))
      await sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now))
    }
    expect(await called(everything)).toEqual(serving!.toSorted())
    expect(await called(() => sum(store.count!(now)))).toEqual(['dynamodb:Scan'])
  })

  test('states the capacity that each operation consumes', { timeout: 600_000 }, async () => {
    const cells = (text: string): string[][] =>
      text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
    const rows = cells(readme).map(String)
    for (const row of cells(await measure(inject('dynamodbPort'))).filter(([, cell]) => cell !== '---'))
      expect(rows).toContain(String(row))
  })
})
