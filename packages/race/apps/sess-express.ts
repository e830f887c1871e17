// @sess/express.
import type { Session } from '@sess/core'
import { session } from '@sess/express'
import express, { type Request } from 'express'
import { listen } from './process.ts'
import { answer, sessions, type Data } from './sess-routes.ts'

// Typed here, and not through Register: in this repository other programs register their own.
const own = (req: Request): Session<Partial<Data>> => (req as unknown as { session: Session<Partial<Data>> }).session

const app = express()
app.use(express.urlencoded())
app.use(session(sessions))
app.use(async (req, res) => {
  const { status, body } = await answer(req.path, (req.body ?? {}) as Data, own(req))
  res.status(status).json(body)
})

listen(app)
