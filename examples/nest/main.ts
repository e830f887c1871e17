import { DatabaseSync } from 'node:sqlite'
import { createSessions } from '@sess/core'
import { sqliteStore } from '@sess/sqlite'
import { onExpress, onFastify } from './app.ts'
import type { Data } from './session.ts'

const sessions = createSessions<Data>({
  store: sqliteStore(new DatabaseSync(process.env['SESS_DB'] ?? 'sessions.db')),
  idleTimeout: '30m', // slides with use
  absoluteTimeout: '12h', // never slides
})
sessions.on('error', ({ code, operation, error }) => console.error('sessions:', operation, code, error))

const start = process.argv[2] === 'fastify' ? onFastify : onExpress
const app = await start(sessions, { secure: process.env['NODE_ENV'] === 'production' })
await app.listen(process.env['PORT'] ?? 3000)
console.log(await app.getUrl())
