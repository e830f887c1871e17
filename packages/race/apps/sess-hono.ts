// @sess/hono, on Node.js.
import { getRequestListener } from '@hono/node-server'
import { session } from '@sess/hono'
import { Hono } from 'hono'
import { listen } from './process.ts'
import { answer, sessions, type Data } from './sess-routes.ts'

const app = new Hono().use(session(sessions)).all('*', async (c) => {
  const form = c.req.method === 'POST' ? await c.req.parseBody<Data>() : {}
  const { status, body } = await answer(c.req.path, form, c.get('session'))
  return c.json(body, status as 200)
})

const listener = getRequestListener(app.fetch)
listen((req, res) => void listener(req, res))
