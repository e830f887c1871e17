import { DatabaseSync } from 'node:sqlite'
import { createSessions } from '@sess/core'
import { sqliteStore } from '@sess/sqlite'
import { createApp } from './app.ts'

// Several processes may share the file: a sign-out in one closes the sockets of all.
const store = sqliteStore(new DatabaseSync(process.env['SESS_DB'] ?? 'sessions.db'))
const server = createApp(createSessions<{ visits: number }>({ store }), { recheckEvery: '5s' })

server.listen(Number(process.env['PORT'] ?? 3000), () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`http://localhost:${address.port}`)
})
