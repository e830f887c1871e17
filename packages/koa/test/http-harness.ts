import { Readable } from 'node:stream'
import { nodeServer, type HttpAnswer, type HttpHarness } from '@sess/conformance/http'
import { session } from '@sess/koa'
import Koa, { type Context } from 'koa'

function answer(ctx: Context, { status = 200, headers = [], body }: HttpAnswer): void {
  ctx.status = status
  for (const [name, value] of headers)
    if (name === 'set-cookie' || name === 'vary') ctx.append(name, value)
    else ctx.set(name, value)
  if (body !== undefined) ctx.body = typeof body === 'string' ? body : Readable.from(body, { objectMode: false })
}

export const harness: HttpHarness = {
  name: 'Koa',
  serve(app) {
    const server = new Koa({ proxy: app.trustProxy })
    server.silent = true
    server.use(async (ctx, next) => {
      for (const [name, value] of app.before) ctx.append(name, value)
      try {
        await next()
      } catch (error) {
        answer(ctx, await app.handleError(error, () => ctx.session))
      }
      for (const [name, value] of app.after) ctx.append(name, value)
    })
    server.use(session(app.sessions, { cookie: app.cookie, private: app.private }))
    server.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/app')) return next()
      answer(ctx, await app.handle({ method: ctx.method, url: ctx.url, session: () => ctx.session }))
    })
    return nodeServer((req, res) => void server.callback()(req, res))
  },
}
