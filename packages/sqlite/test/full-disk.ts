/**
 * Fills the file as far as this process may write, then signs out; prints what each write and the sign-out said, and whether the
 * session lives. Started under a limit of the file's size, which is a full disk to SQLite: the write fails at its end.
 */
import { writeSync } from 'node:fs'
import { createSessions, SessError } from '@sess/core'
import { sqliteStore } from '../src/index.ts'
import { betterSqlite3 } from './harness.ts'
import { nodeSqlite } from './node-harness.ts'

const [file, name] = process.argv.slice(2)
const driver = [betterSqlite3, nodeSqlite].find((each) => each.name === name)!
const sessions = createSessions<{ x: string }>({ store: sqliteStore(driver.open(file!)), log: false })
const codeOf = (error: unknown): string => (error instanceof SessError ? error.code : String(error))

const session = await sessions.load(undefined)
const { cookieValue } = await session.login('ann')
const full: string[] = []
for (const size of [20_000, 900, 10])
  for (;;) {
    const other = await sessions.load(undefined)
    other.data.x = 'y'.repeat(size)
    const code = await other.commit().then(() => undefined, codeOf)
    if (code === undefined) continue
    full.push(code)
    break
  }
const said: Record<string, string> = {}
const outcome = (operation: Promise<unknown>): Promise<string> => operation.then(() => 'acknowledged', codeOf)
const loaded = await sessions.load(cookieValue)
said['regenerate'] = await outcome(loaded.regenerate())
said['revokeSubject'] = await outcome(sessions.revokeSubject('ann'))
said['logout'] = await outcome((await sessions.load(cookieValue)).logout())
const { status } = await sessions.load(cookieValue)
writeSync(1, JSON.stringify({ full, said, status }))
process.exit()
