import { pipeline, Readable } from 'node:stream'
import { nodeServer } from '@sess/conformance/http'
import { session } from '@sess/express'
import compression from 'compression'
import cors from 'cors'
import express from 'express'
import { ORIGIN, inUse } from '../../http/test/in-use.ts'

inUse('Express', async (sessions, order, routes) => {
  const app = express()
  const others = [cors({ origin: ORIGIN, credentials: true }), compression()]
  const ours = session(sessions, { cookie: { secure: false } })
  app.use(...(order === 'in front' ? [...others, ours] : [ours, ...others]))
  for (const { path, type, answer } of routes)
    app.all(path, async (req, res) => {
      const body = await answer(() => req.session as never)
      res.type(type)
      if (typeof body === 'string') res.send(body)
      else pipeline(Readable.from(body), res, () => {})
    })
  return nodeServer(app)
})
