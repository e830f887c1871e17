import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb'
import { isSessError, SessError } from '@sess/core'
import { checkOptions } from '@sess/core/adapter'
import { check, TABLE, type DynamodbClient } from './client.ts'
import { PARTITION_KEY, SORT_KEY, TTL } from './item.ts'

/** Options of {@link createSessionTable}. */
export interface SessionTableOptions {
  /** The name of the table. Default: `sess_sessions`, as in `dynamodbStore`. */
  readonly table?: string
  /** How long to wait until the table can be used, in ms. Default: 5 minutes. */
  readonly timeout?: number
}

/** How long to wait between two reads of the table's state, in ms. */
const PAUSE_MS = 500

/**
 * Creates the table for sessions: on-demand, with time to live switched on. If the table exists, it is checked and not changed. So you
 * may call this at every deploy, and from several processes at the same time.
 *
 * It needs the rights `dynamodb:CreateTable`, `DescribeTable`, `DescribeTimeToLive` and `UpdateTimeToLive`.
 *
 * @returns Resolves when the table can be used. DynamoDB may take another hour before it begins to remove expired items.
 * @throws {SessError} `invalid_option`; `configuration` if the existing table has another key, or another attribute as its time to
 *   live; `store_unavailable` with the error of DynamoDB.
 */
export async function createSessionTable(client: DynamodbClient, options: SessionTableOptions = {}): Promise<void> {
  checkOptions(options, 'createSessionTable()', { table: true, timeout: true })
  const { table = TABLE, timeout = 300_000 } = options
  check(client, table)
  const deadline = performance.now() + timeout
  try {
    await create(client, table)
    for (let found = await describe(client, table); ; found = await describe(client, table)) {
      if (found) checkKey(table, found)
      if (found?.TableStatus === 'ACTIVE' || found?.TableStatus === 'UPDATING') break
      if (performance.now() > deadline) throw new Error(`it was ${found?.TableStatus ?? 'not there'} for ${timeout} ms`)
      await delay(PAUSE_MS)
    }
    await removeExpired(client, table)
  } catch (cause) {
    if (isSessError(cause)) throw cause
    const { name, message } = cause as Error
    throw new SessError('store_unavailable', `DynamoDB did not make table ${table} (${name}: ${message})`, { cause })
  }
}

async function create(client: DynamodbClient, table: string): Promise<void> {
  const keys = [PARTITION_KEY, SORT_KEY]
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keys.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
        KeySchema: keys.map((name, i) => ({ AttributeName: name, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
      }),
    )
  } catch (error) {
    if ((error as Error).name !== 'ResourceInUseException') throw error
  }
}

/** The description of the table; undefined if it is not visible yet. */
async function describe(client: DynamodbClient, table: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: table }))).Table
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error
    return undefined
  }
}

function checkKey(table: string, { KeySchema = [], AttributeDefinitions = [] }: TableDescription): void {
  const key = KeySchema.map(({ AttributeName: name }) => {
    const type = AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType
    return `${name} (${type})`
  }).join(', ')
  const wanted = `${PARTITION_KEY} (S), ${SORT_KEY} (S)`
  if (key !== wanted)
    throw new SessError('configuration', `table ${table} has the key ${key}, not ${wanted}: choose another name`)
}

async function removeExpired(client: DynamodbClient, table: string): Promise<void> {
  for (;;) {
    const described = await client.send(new DescribeTimeToLiveCommand({ TableName: table }))
    const { TimeToLiveStatus: status, AttributeName: attribute } = described.TimeToLiveDescription ?? {}
    if (status?.startsWith('ENABL')) {
      if (attribute === TTL) return
      throw new SessError(
        'configuration',
        `table ${table} uses the attribute ${attribute} as time to live, not ${TTL}: change it to ${TTL}`,
      )
    }
    try {
      const specification = { AttributeName: TTL, Enabled: true }
      await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: specification }))
      return
    } catch (error) {
      // Another process has switched it on meanwhile.
      if (!/already enabled/.test((error as Error).message)) throw error
    }
  }
}
