/// <reference types="node" preserve="true" />
export { dynamodbStore, type DynamodbStoreOptions } from './dynamodb-store.ts'
export { createSessionTable, type SessionTableOptions } from './session-table.ts'
export type { DynamodbClient } from './client.ts'
