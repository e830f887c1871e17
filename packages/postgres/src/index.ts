export { postgresStore, type PostgresStoreOptions } from './postgres-store.ts'
export { migrate, schemaSql, type SchemaOptions } from './schema.ts'
export type { TableOptions } from './table.ts'
export type { PostgresClient, PostgresPool, PostgresPoolClient, PostgresResult, PostgresStatement } from './client.ts'
