// What a session that nobody touches costs each framework, without sockets: far less is in such a request than in a real one, so
// differences of a tenth of a microsecond show. slices.ts says what a real server takes.
import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { createSessions, memoryStore } from '@sess/core'
import { session as forExpress } from '@sess/express'
import { session as forFastify } from '@sess/fastify'
import { session as forHono } from '@sess/hono'
import { session as forKoa } from '@sess/koa'
import express, { type RequestHandler } from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import Koa, { type Middleware } from 'koa'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { slices: { type: 'string', default: '150' } },
})
/** How many requests are measured as one: short enough for some of these slices to meet no other work. */
const SLICE = 500

const sessions = createSessions({ store: memoryStore() })
const options = { cookie: { secure: false } }
const answer = (): object => ({ user: 'ann', n: 0 })

function onExpress(...middleware: RequestHandler[]): RequestListener {
  const app = express()
  for (const each of middleware) app.use(each)
  app.get('/untouched', (_req, res) => void res.json(answer()))
  return app
}
async function onFastify(prepare: (app: FastifyInstance) => unknown): Promise<RequestListener> {
  const app = fastify()
  prepare(app)
  app.get('/untouched', async () => answer())
  await app.ready()
  return app.routing
}
function onHono(...middleware: MiddlewareHandler[]): RequestListener {
  const app = new Hono()
  for (const each of middleware) app.use(each)
  app.get('/untouched', (c) => c.json(answer()))
  const listener = getRequestListener(app.fetch)
  return (req, res) => void listener(req, res)
}
function onKoa(...middleware: Middleware[]): RequestListener {
  const app = new Koa()
  for (const each of middleware) app.use(each)
  app.use((ctx) => {
    if (ctx.path === '/untouched') ctx.body = answer()
  })
  const listener = app.callback()
  return (req, res) => void listener(req, res)
}

const SIDES: Readonly<Record<string, readonly RequestListener[]>> = {
  express: [onExpress(), onExpress((_req, _res, next) => next()), onExpress(forExpress(sessions, options))],
  fastify: [
    await onFastify(() => {}),
    await onFastify((app) => {
      app.addHook('onRequest', (_request, _reply, done) => done())
      app.addHook('onSend', (_request, _reply, payload, done) => done(null, payload))
    }),
    await onFastify((app) => app.register(forFastify(sessions, options))),
  ],
  hono: [onHono(), onHono((_c, next) => next()), onHono(forHono(sessions, options))],
  koa: [onKoa(), onKoa((_ctx, next) => next()), onKoa(forKoa(sessions, options))],
}

/** Takes what a socket would send. */
class Sink extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

function request(listener: RequestListener): Promise<void> {
  return new Promise((resolve) => {
    const socket = new Sink() as unknown as Socket
    const req = new IncomingMessage(socket)
    const head = { host: 'shop.example' }
    Object.assign(req, { method: 'GET', url: '/untouched', httpVersionMajor: 1, httpVersionMinor: 1, headers: head })
    req.rawHeaders = ['Host', head.host]
    req.push(null)
    const res = new ServerResponse(req)
    res.assignSocket(socket)
    res.on('finish', () => {
      if (res.statusCode !== 200) throw new Error(`answered ${res.statusCode}`)
      res.detachSocket(socket)
      res.emit('close')
      resolve()
    })
    listener(req, res)
  })
}

async function requests(listener: RequestListener, count: number): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) await request(listener)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

console.log(
  "microseconds of CPU time for each request, the best tenth's slowest slice: alone, with middleware that does nothing, with a session",
)
for (const name of positionals.length > 0 ? positionals : Object.keys(SIDES)) {
  const listeners = SIDES[name]
  if (!listeners) throw new Error(`no framework of the bench: ${name}`)
  // Until the engine has compiled what it compiles.
  for (const listener of listeners) await requests(listener, 20_000)
  const times = listeners.map((): number[] => [])
  for (let slice = 0; slice < Number(values.slices); slice++)
    for (const [at, listener] of listeners.entries()) times[at]!.push(await requests(listener, SLICE))
  const best = times.map((all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 10)]!.toFixed(2))
  console.log(`${name.padEnd(8)} ${best.map((time) => time.padStart(6)).join(' ')}`)
}
