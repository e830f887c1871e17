// @sess/express, on the store that it is given; sealed, where it is given the SEAL_KEY, too.
import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/express'
import { aesGcmSeal } from '@sess/sealed'
import express, { type Request } from 'express'
import { listen, WORK_MS } from './process.ts'
import { givenStore } from './store.ts'

type Data = Record<string, string>

// Typed here, and not through Register: in this repository other programs register their own.
const own = (req: Request): Session<Partial<Data>> => (req as unknown as { session: Session<Partial<Data>> }).session

// Of all processes alike: a subject's sessions lie under it on stores that shard by subject.
const pepper = 'sixteen bytes or more, at random'
const { SEAL_KEY } = process.env
const seal = SEAL_KEY === undefined ? {} : { seal: aesGcmSeal({ keys: [Buffer.from(SEAL_KEY, 'hex')] }) }
const sessions = createSessions<Data>({ store: await givenStore(), pepper, ...seal })

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
