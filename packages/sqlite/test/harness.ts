import Database from 'better-sqlite3'
import type { Harness } from '@sess/conformance'
import driver from 'better-sqlite3/package.json' with { type: 'json' }
import type { TestDriver } from './databases.ts'
import { connectBy, sqliteHarness } from './sqlite-harness.ts'

export const betterSqlite3: TestDriver = {
  name: 'better-sqlite3',
  version: driver.version,
  open: (file) => new Database(file),
}

export const connect: ReturnType<typeof connectBy> = connectBy(betterSqlite3)

export const harness: Harness = sqliteHarness(betterSqlite3, import.meta.url)
