import { DatabaseSync } from 'node:sqlite'
import type { Harness } from '@sess/conformance'
import type { TestDriver } from './databases.ts'
import { connectBy, sqliteHarness } from './sqlite-harness.ts'

export const nodeSqlite: TestDriver = {
  name: 'node:sqlite',
  version: process.version,
  open: (file) => new DatabaseSync(file),
}

export const connect: ReturnType<typeof connectBy> = connectBy(nodeSqlite)

export const harness: Harness = sqliteHarness(nodeSqlite, import.meta.url)
