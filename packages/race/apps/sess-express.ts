// @sess/express, on the Redis of REDIS_URL or the SQLite file of SQLITE_FILE.
import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/express'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import Database from 'better-sqlite3'
import express, { type Request } from 'express'
import { Redis } from 'ioredis'
import { listen, WORK_MS } from './process.ts'

type Data = Record<string, string>

// Typed here, and not through Register: in this repository other programs register their own.
const own = (req: Request): Session<Partial<Data>> => (req as unknown as { session: Session<Partial<Data>> }).session

const { SQLITE_FILE, REDIS_URL } = process.env
const store = SQLITE_FILE ? sqliteStore(new Database(SQLITE_FILE)) : redisStore(new Redis(REDIS_URL!))
const sessions = createSessions<Data>({ store })

const app = express()
app.use(express.urlencoded())
app.use(session(sessions))

app.get('/get', (req, res) => {
  res.json({ user: own(req).subject, ...own(req).data })
})

app.post('/set', async (req, res) => {
  const { key, value } = req.body as { key: string; value: string }
  own(req).data[key] = value
  await delay(WORK_MS)
  const { status } = await own(req).commit()
  // Logged out or signed in meanwhile: nothing was written, and the answer says so.
  res.status(status === 'gone' || status === 'superseded' ? 409 : 200).json({})
})

app.post('/login', async (req, res) => {
  await own(req).login((req.body as { user: string }).user)
  res.json({})
})

app.post('/logout', async (req, res) => {
  await own(req).logout()
  res.json({})
})

listen(app)
