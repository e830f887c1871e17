import { getRequestListener } from '@hono/node-server'
import { nodeServer } from '@sess/conformance/http'
import { session, type SessionVariables } from '@sess/hono'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { ORIGIN, inUse } from '../../http/test/in-use.ts'

inUse('Hono', async (sessions, order, routes) => {
  const app = new Hono<{ Variables: SessionVariables }>()
  const others = [cors({ origin: ORIGIN, credentials: true }), compress()]
  const ours = session(sessions, { cookie: { secure: false } })
  for (const middleware of order === 'in front' ? [...others, ours] : [ours, ...others]) app.use(middleware)
  for (const { path, type, answer } of routes)
    app.all(path, async (c) => {
      const body = await answer(() => c.get('session'))
      c.header('content-type', type)
      return typeof body === 'string'
        ? c.body(body)
        : c.body(ReadableStream.from(body).pipeThrough(new TextEncoderStream()))
    })
  const listener = getRequestListener(app.fetch)
  return nodeServer((req, res) => void listener(req, res))
})
