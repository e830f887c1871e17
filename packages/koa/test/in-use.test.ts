import { Readable } from 'node:stream'
import cors from '@koa/cors'
import { nodeServer } from '@sess/conformance/http'
import { session } from '@sess/koa'
import Koa from 'koa'
import compress from 'koa-compress'
import { ORIGIN, inUse } from '../../http/test/in-use.ts'

inUse('Koa', async (sessions, order, routes) => {
  const app = new Koa()
  const others = [cors({ origin: ORIGIN, credentials: true }), compress()]
  const ours = session(sessions, { cookie: { secure: false } })
  for (const middleware of order === 'in front' ? [...others, ours] : [ours, ...others]) app.use(middleware)
  app.use(async (ctx) => {
    const route = routes.find(({ path }) => path === ctx.path)
    if (!route) return
    const body = await route.answer(() => ctx.session)
    ctx.body = typeof body === 'string' ? body : Readable.from(body, { objectMode: false })
    ctx.type = route.type
  })
  return nodeServer((req, res) => void app.callback()(req, res))
})
