// @sess/express on @sess/postgres, straight to the server: with `prepare`, as its README recommends.
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/express'
import { migrate, postgresStore } from '@sess/postgres'
import { Pool } from 'pg'
import { serve, type Small } from './serve.ts'

const pool = new Pool({ connectionString: process.env['POSTGRES_URL']! })
await migrate(pool)
const sessions = createSessions<Small>({ store: postgresStore(pool, { prepare: true }) })

serve(
  (app) => void app.use(session(sessions, { cookie: { secure: false } })),
  (req) => (req as unknown as { session: Session<Small> }).session.data,
)
