import { getRequestListener } from '@hono/node-server'
import { nodeServer, type HttpAnswer, type HttpHarness } from '@sess/conformance/http'
import { session, type SessionVariables } from '@sess/hono'
import { Hono, type Context } from 'hono'

type Variables = SessionVariables

function answered(c: Context, { status = 200, headers = [], body = '' }: HttpAnswer): Response {
  for (const [name, value] of headers) c.header(name, value, { append: name === 'set-cookie' || name === 'vary' })
  const bytes = typeof body === 'string' ? body : ReadableStream.from(body).pipeThrough(new TextEncoderStream())
  return c.newResponse(status === 204 || status === 304 ? null : bytes, status as 200)
}

export const harness: HttpHarness = {
  name: 'Hono',
  serve(app) {
    const { cookie, private: isPrivate, trustProxy } = app
    const server = new Hono<{ Variables: Variables }>()
      .use(async (c, next) => {
        for (const [name, value] of app.before) c.header(name, value, { append: true })
        await next()
        for (const [name, value] of app.after) c.header(name, value, { append: true })
      })
      .use(session(app.sessions, { cookie, private: isPrivate, trustProxy }))
      .all('/app/*', async (c) => {
        const { pathname, search } = new URL(c.req.url)
        const asked = { method: c.req.raw.method, url: pathname + search, session: () => c.get('session') }
        return answered(c, await app.handle(asked))
      })
    server.onError(async (error, c) => answered(c, await app.handleError(error, () => c.get('session'))))
    const listener = getRequestListener(server.fetch)
    return nodeServer((req, res) => void listener(req, res))
  },
}
