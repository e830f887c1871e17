import { pipeline, Readable } from 'node:stream'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { nodeServer, type HttpAnswer, type HttpApp, type HttpHarness } from '@sess/conformance/http'
import { session } from '@sess/express'
import express5, { type Request } from 'express'
import express4 from 'express4'
import onHeaders from 'on-headers'

const around =
  ({ before, after }: HttpApp) =>
  (_req: IncomingMessage, res: ServerResponse, next: () => void): void => {
    for (const [name, value] of before) res.appendHeader(name, value)
    onHeaders(res, () => {
      for (const [name, value] of after) res.appendHeader(name, value)
    })
    next()
  }

function send(res: ServerResponse, { status = 200, headers = [], body }: HttpAnswer): void {
  res.statusCode = status
  for (const [name, value] of headers)
    if (name === 'set-cookie' || name === 'vary') res.appendHeader(name, value)
    else res.setHeader(name, value)
  if (body === undefined || typeof body === 'string') res.end(body)
  else pipeline(Readable.from(body), res, () => {})
}

async function answered(
  res: ServerResponse,
  answer: Promise<HttpAnswer>,
  next: (error: unknown) => void,
): Promise<void> {
  try {
    send(res, await answer)
  } catch (error) {
    next(error)
  }
}

const expressOf = (name: string, express: typeof express5): HttpHarness => ({
  name,
  serve(app) {
    const server = express()
    server.set('trust proxy', app.trustProxy)
    server.use(around(app), session(app.sessions, { cookie: app.cookie, private: app.private }))
    server.use('/app', (req, res, next) => {
      const { method, originalUrl: url } = req
      void answered(res, app.handle({ method, url, session: () => req.session as never }), next)
    })
    server.use((error: unknown, req: Request, res: ServerResponse, next: (error: unknown) => void) => {
      if (res.headersSent) return next(error)
      void answered(
        res,
        app.handleError(error, () => req.session as never),
        next,
      )
    })
    server.set('env', 'test')
    return nodeServer(server)
  },
})

/** The middleware on Node's own server, with the little of a framework that the table asks for. */
const plain: HttpHarness = {
  name: 'node:http',
  serve(app) {
    const middleware = session(app.sessions, { cookie: app.cookie, private: app.private })
    return nodeServer((req, res) => {
      if (app.trustProxy) Object.assign(req, { secure: req.headers['x-forwarded-proto'] === 'https' })
      const sessionOf = (): never => (req as Request).session as never
      const { method = '', url = '' } = req
      const last = (): void => (res.headersSent ? void res.destroy() : send(res, { status: 500 }))
      const next = (error?: unknown): void => {
        if (error !== undefined && res.headersSent) res.destroy()
        else if (error !== undefined) void answered(res, app.handleError(error, sessionOf), last)
        else if (!url.startsWith('/app')) send(res, { status: 404 })
        else void answered(res, app.handle({ method, url, session: sessionOf }), next)
      }
      around(app)(req, res, () => middleware(req, res, next))
    })
  },
}

export const harnesses: readonly HttpHarness[] = [
  expressOf('Express 5', express5),
  expressOf('Express 4', express4),
  plain,
]
