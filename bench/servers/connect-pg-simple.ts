// express-session with connect-pg-simple, used as its documentation shows.
import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import { Pool } from 'pg'
import { serve, type Small } from './serve.ts'

const pool = new Pool({ connectionString: process.env['POSTGRES_URL']! })
const PgSession = connectPgSimple(session)

serve(
  (app) => {
    app.use(
      session({
        store: new PgSession({ pool, createTableIfMissing: true }),
        secret: 'keyboard cat',
        resave: false,
        saveUninitialized: false,
      }),
    )
  },
  (req) => (req as unknown as { session: Small }).session,
)
