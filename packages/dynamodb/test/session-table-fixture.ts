import { randomBytes, randomUUID } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { SessionKey, SessionRecord, SessionStore } from '@sess/core'
import { createSessionTable, dynamodbStore } from '../src/index.ts'
import { openGateway, type Gateway } from './gateway.ts'
import { clientOf } from './harness.ts'

/** A table of DynamoDB Local, and two ways to it. */
export interface Fixture {
  readonly table: string
  readonly gateway: Gateway
  /** The store on trial, and its client: through the gateway. */
  readonly store: SessionStore
  readonly client: DynamoDBClient
  /** Another program: straight to DynamoDB Local. */
  readonly other: SessionStore
  readonly direct: DynamoDBClient
  close(): Promise<void>
}

/** @param port - Of DynamoDB Local. */
export async function openFixture(port: number): Promise<Fixture> {
  const table = randomUUID()
  const gateway = await openGateway(port)
  const [client, direct] = [clientOf(gateway.port), clientOf(port)]
  await createSessionTable(direct, { table })
  return {
    table,
    gateway,
    client,
    direct,
    store: dynamodbStore(client, { table }),
    other: dynamodbStore(direct, { table }),
    async close() {
      client.destroy()
      direct.destroy()
      await gateway.close()
    },
  }
}

export const now = Date.now()

export function keyOf(tag: string = randomBytes(9).toString('base64url')): SessionKey {
  return { tag, id: randomBytes(12).toString('base64url') }
}

/** A record that lives for a minute from `now`. */
export function recordOf(parts: Partial<SessionRecord> = {}): SessionRecord {
  return { revision: 1, expiresAt: now + 60_000, payload: Buffer.from('payload'), ...parts }
}
