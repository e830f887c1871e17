import { memoryStore, createSessions, SessError, type SessionStore } from '@sess/core'
import { session } from '@sess/express'
import type { ErrorRequestHandler, Request, Response } from 'express'
import { describe, expect, test } from 'vitest'
import { express, listening } from '../test/served.ts'

type Handler = (req: Request, res: Response) => unknown

const WRITES = new Set<string>(['create', 'replace', 'touch', 'delete'] satisfies (keyof SessionStore)[])

/** Handlers that change a session, or fail, while the store takes no writes. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  'an implicit commit': (req, res) => {
    req.session.data.n = 2
    res.set('Cache-Control', 'public, max-age=60').send('ok')
  },
  'a commit by hand': async (req, res) => {
    req.session.data.n = 2
    await req.session.commit()
    res.send('ok')
  },
  'an update': async (req, res) => {
    await req.session.update((data) => void (data.n = 2))
    res.send('ok')
  },
  'a sign-in after a change': async (req, res) => {
    req.session.data.n = 2
    await req.session.login('bob')
    res.send('ok')
  },
  'a sign-in that nobody awaits': (req, res) => {
    void req.session.login('bob')
    res.send('welcome')
  },
  'a sign-out that nobody awaits': (req, res) => {
    void req.session.logout()
    res.send('You are signed out')
  },
  'an error of the application, after a change': (req) => {
    req.session.data.n = 2
    throw new Error('mine')
  },
}

/** An application whose store is down for writes after the first request. */
async function app(handle: Handler, answerError: ErrorRequestHandler) {
  let down = false
  let calls = 0
  const store = new Proxy(memoryStore(), {
    get(target, name: keyof SessionStore) {
      const method: unknown = target[name]
      if (typeof method !== 'function') return method
      return async (...values: unknown[]) => {
        if (!down || !WRITES.has(name)) return method.apply(target, values) as unknown
        calls++
        throw new SessError('store_unavailable', 'down')
      }
    },
  })
  const sessions = createSessions<{ n: number }>({ store, log: false })
  const events: string[] = []
  sessions.on('error', ({ operation }) => void (operation === 'commit' && events.push(operation)))
  let handled = 0
  const url = await listening(
    express()
      .use(session(sessions, { cookie: { secure: false } }))
      .get('/login', (req, res, next) => {
        req.session.login('ann').then(() => res.end(), next)
      })
      // Express 4 hands no rejection on.
      .get('/', (req, res, next) => {
        Promise.resolve(handle(req, res)).catch(next)
      })
      .use(((error, req, res, next) => {
        handled++
        void answerError(error, req, res, next)
      }) satisfies ErrorRequestHandler),
  )
  const cookie = (await fetch(`${url}login`)).headers.getSetCookie()[0]!.split(';')[0]!
  down = true
  const response = await fetch(url, { headers: { cookie } })
  const body = await response.text()
  down = false
  const stored = (await sessions.load(cookie.slice('sid='.length))).data
  return { response, body, stored, calls, events, handled }
}

describe('while the store takes no writes, the error handler answers once, and each write is tried twice:', () => {
  test.each(Object.keys(HANDLERS))('%s', async (name) => {
    const { response, body, stored, calls, handled } = await app(HANDLERS[name]!, (_error, _req, res, _next) => {
      res.status(503).set('X-Mine', 'a').send('please try again')
    })
    expect([response.status, body, response.headers.get('x-mine')]).toEqual([503, 'please try again', 'a'])
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual(['Cookie', 'private'])
    expect([calls, handled, stored]).toEqual([2, 1, {}])
  })

  test.each(Object.keys(HANDLERS))(
    '%s; what the error handler changes is not written, and causes one event',
    async (name) => {
      const { response, body, stored, calls, events } = await app(HANDLERS[name]!, (_error, req, res, _next) => {
        req.session.data.n = 7
        req.session.flash('notice', 'sorry')
        res.status(503).send('please try again')
      })
      expect([response.status, body, stored, calls, events]).toEqual([503, 'please try again', {}, 2, ['commit']])
    },
  )
})

test('an error handler that answers with a success page is not called again for the same failure', async () => {
  const { response, body } = await app(HANDLERS['a commit by hand']!, (_error, _req, res, _next) => {
    res.status(200).send('sorry')
  })
  expect([response.status, body]).toEqual([200, 'sorry'])
})

test('without an error handler of its own, Express answers with the status of the error', async () => {
  for (const name of ['an implicit commit', 'a commit by hand']) {
    const { response } = await app(HANDLERS[name]!, (error, _req, _res, next) => next(error))
    expect([name, response.status]).toEqual([name, 503])
  }
})
