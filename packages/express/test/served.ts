import { once } from 'node:events'
import { createServer, request as open, type Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createSessions, memoryStore, type SessError, type Sessions, type SessionStore } from '@sess/core'
import { session, type SessionOptions } from '@sess/express'
import express5, { type ErrorRequestHandler, type Express } from 'express'
import express4 from 'express4'
import { onTestFinished } from 'vitest'

export interface Data {
  n: number
  late: number
}

declare module '@sess/express' {
  interface Register {
    sessions: Sessions<Partial<Data>>
  }
}

/** The version under test. */
export const express = process.env['SESS_EXPRESS'] === '4' ? express4 : express5

type Name = keyof SessionStore

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** `name=value` of the session cookie that was set; empty if none was. */
  readonly cookie: string
}

/** A request that is under way. */
export interface Underway {
  readonly request: ClientRequest
  readonly response: Promise<IncomingMessage>
  /** The body is read once this is asked for. */
  readonly answer: Promise<Answer>
}

/** How a request differs from a GET on a connection of its own. */
export interface Ask {
  readonly cookie?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly agent?: Agent
}

/** An app that has sessions, on a port of its own until the test ends. */
export interface Served {
  readonly app: Express
  readonly sessions: Sessions<Partial<Data>>
  /** The names of the store's methods that were called. */
  readonly calls: Name[]
  /** From now on this method of the store rejects. */
  fail(name: Name): void
  /** The next call of this method waits. */
  hold(name: Name): { readonly reached: Promise<void>; readonly release: () => void }
  open(path: string, ask?: Ask): Underway
  get(path: string, ask?: Ask): Promise<Answer>
  /** The cookie of a new session, whose data are `{ n: 1 }`. */
  begin(): Promise<string>
  /** What is stored under a cookie. */
  stored(cookie: string): Promise<Partial<Data>>
  /** Has errors answered, with 500 and their code or message. Call it behind the test's routes. */
  answerErrors(): void
}

/** Serves `/set?n=` and `/get`, which use the session, and `/plain`, which does not; a test adds its own. */
export async function serve(
  options: SessionOptions = { cookie: { secure: false } },
  before: (app: Express) => void = () => {},
): Promise<Served> {
  const calls: Name[] = []
  const failing = new Set<Name>()
  const held = new Map<Name, { arrive: () => void; gate: Promise<void> }>()
  const store = new Proxy(memoryStore(), {
    get(target, name: Name) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        calls.push(name)
        const hold = held.get(name)
        held.delete(name)
        hold?.arrive()
        await hold?.gate
        if (failing.has(name)) throw new Error('the store is down')
        return value.apply(target, args) as unknown
      }
    },
  })
  const sessions = createSessions<Data>({ store, log: false })
  const app = express()
  before(app)
  app.use(session(sessions, options))
  app.get('/set', (req, res) => {
    req.session.data.n = Number(req.query['n'] ?? 1)
    res.send('set')
  })
  app.get('/get', (req, res) => void res.json(req.session.data))
  app.get('/plain', (_req, res) => void res.send('plain'))
  const port = Number(new URL(await listening(app)).port)

  const served: Served = {
    app,
    sessions,
    calls,
    fail: (name) => void failing.add(name),
    hold(name) {
      const reached = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      held.set(name, { arrive: reached.resolve, gate: gate.promise })
      return { reached: reached.promise, release: gate.resolve }
    },
    open(path, { cookie, method = 'GET', headers, agent } = {}) {
      const request = open({
        port,
        path,
        method,
        agent: agent ?? false,
        headers: { ...headers, ...(cookie !== undefined && { cookie }) },
      })
      const response = once(request, 'response').then(([message]) => message as IncomingMessage)
      let answer: Promise<Answer> | undefined
      request.end()
      return {
        request,
        response,
        get answer() {
          answer ??= response.then(answerOf)
          // Who looks at the answer sees how it failed; not everybody looks at once.
          answer.catch(() => {})
          return answer
        },
      }
    },
    get: (path, ask) => served.open(path, ask).answer,
    begin: async () => (await served.get('/set')).cookie,
    stored: async (cookie) => (await sessions.load(cookie.split('=')[1])).data,
    answerErrors() {
      const handler: ErrorRequestHandler = (error: SessError, _req, res, next) => {
        if (res.headersSent) next(error)
        else res.status(500).send(error.code ?? error.message)
      }
      app.use(handler)
    },
  }
  return served
}

/** Serves an app until the test ends. @returns Its address. */
export async function listening(app: Express): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function answerOf(message: IncomingMessage): Promise<Answer> {
  return {
    status: message.statusCode!,
    headers: message.headers,
    body: await text(message),
    cookie: /^[\w-]+=[\w-]*/.exec(message.headers['set-cookie']?.at(-1) ?? '')?.[0] ?? '',
  }
}
