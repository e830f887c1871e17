// Runs under Bun alone: its module `bun:sqlite` is not there elsewhere, and its types are not installed.
import type { Harness } from '@sess/conformance'
import type { TestDatabase, TestDriver } from './databases.ts'
import { connectBy, sqliteHarness } from './sqlite-harness.ts'

const module: string = 'bun:sqlite'
const { Database } = (await import(module)) as { Database: new (file: string) => TestDatabase }

const bunSqlite: TestDriver = {
  name: 'bun:sqlite',
  version: process.versions['bun']!,
  open: (file) => new Database(file),
}

export const connect: ReturnType<typeof connectBy> = connectBy(bunSqlite)

export const harness: Harness = sqliteHarness(bunSqlite, import.meta.url)
