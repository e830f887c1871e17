import './node-version.ts'

export { sqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
export type { SqliteClient, SqliteStatement } from './client.ts'
