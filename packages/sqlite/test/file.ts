import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { TestDatabase, TestDriver } from './databases.ts'

/** A database file that goes when the test ends. */
export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sess-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'sessions.db')
}

/** A connection that is closed when the test ends. */
export function open(file: string = newFile()): Database.Database {
  const database = new Database(file)
  onTestFinished(() => void database.close())
  return database
}

/** A connection of a driver that is closed when the test ends. */
export function openBy(driver: TestDriver, file: string = newFile()): TestDatabase {
  const database = driver.open(file)
  onTestFinished(() => {
    try {
      database.close()
    } catch {
      // The test closed it: node:sqlite does not do so twice.
    }
  })
  return database
}
