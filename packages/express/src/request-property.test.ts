import { inspect } from 'node:util'
import { createSessions, memoryStore } from '@sess/core'
import type { Express, Request, RequestHandler, Response } from 'express'
import express5, { Router } from 'express'
import express4 from 'express4'
import { describe, expect, test } from 'vitest'
import { express, serve } from '../test/served.ts'
import { session } from './index.ts'

const otherCopy = express === express5 ? express4 : express5
const sessionsOfInner = createSessions<{ n: number }>({ store: memoryStore(), log: false })

/** An application that changes the session at `/own`, and fails afterwards if the URL says so. */
function inner(create = express): Express {
  return create().get('/own', (req, res, next) => {
    req.session.data.n = 2
    if (req.originalUrl.endsWith('?fail')) next(new Error('mine'))
    else res.json(req.session.data)
  })
}
const called =
  (app: Express): RequestHandler =>
  (req, res, next) =>
    void app(req, res, next)

describe('req.session stays where Express gives the request another prototype: in', () => {
  const ways: Readonly<Record<string, (app: Express) => unknown>> = {
    'an application that is mounted': (app) => app.use(inner()),
    'an application of another copy of Express that is mounted': (app) => app.use(inner(otherCopy)),
    'an application that middleware calls': (app) => app.use(called(inner())),
    'an application of another copy of Express that middleware calls': (app) => app.use(called(inner(otherCopy))),
    'an application that a router uses': (app) => app.use(Router().use(inner())),
    'an application that is mounted once more elsewhere': (app) => {
      const mounted = inner()
      app.use(mounted)
      express().use(mounted)
    },
  }
  test.each(Object.keys(ways))('%s, and in the error handler behind it', async (way) => {
    const { app, get, begin } = await serve()
    ways[way]!(app)
    app.use((_error: Error, req: Request, res: Response, _next: unknown) => void res.json([req.session.data.n]))
    const cookie = await begin()
    expect((await get('/own', { cookie })).body).toBe('{"n":2}')
    expect((await get('/own?fail', { cookie })).body).toBe('[2]')
  })
})

test('the session of an inner application is there in the error handler of the outer', async () => {
  const { get } = await serve(undefined, (outer) => {
    outer.use('/in', express().use(session(sessionsOfInner, { cookie: { name: 'inner', secure: false } }), inner()))
    outer.use('/in', (_error: Error, req: Request, res: Response, _next: unknown) => void res.json(req.session.data))
  })
  expect((await get('/in/own?fail')).body).toBe('{"n":2}')
})

test('two sessions on different paths of an application are two', async () => {
  const { get, stored } = await serve(undefined, (app) => {
    app.use('/in', session(sessionsOfInner, { cookie: { name: 'inner', secure: false } }), inner(), (_req, res) => {
      res.end()
    })
  })
  const outer = (await get('/set?n=1')).cookie
  const cookie = (await get('/in/own', { cookie: outer })).cookie
  expect([outer, cookie]).toEqual([expect.stringMatching(/^sid=/), expect.stringMatching(/^inner=/)])
  expect(await stored(outer)).toEqual({ n: 1 })
  expect((await get('/get', { cookie: `${outer}; ${cookie}` })).body).toBe('{"n":1}')
})

describe('a request that the middleware has not seen', () => {
  test.each<[string, (req: object) => void]>([
    ['assigned, as express-session does', (req) => Object.assign(req, { session: { mine: true } })],
    [
      'defined, as cookie-session does',
      (req) => void Object.defineProperty(req, 'session', { configurable: true, get: () => ({ mine: true }) }),
    ],
  ])('has no session, and can be given another library’s: %s', async (_how, give) => {
    const seen: unknown[] = []
    const { app, get } = await serve(undefined, (first) => {
      first.use('/other', (req, res) => {
        seen.push('session' in req, req.session)
        give(req)
        seen.push('session' in req, req.session, Object.hasOwn(req, 'session'))
        res.end()
      })
    })
    app.get('/has', (req, res) => void res.json('session' in req))
    expect((await get('/has')).body).toBe('true')
    await get('/other')
    expect(seen).toEqual([false, undefined, true, { mine: true }, true])
  })

  test('and has another library’s is refused', async () => {
    const { get } = await serve(undefined, (app) => {
      app.use((req, _res, next) => next(void Object.assign(req, { session: undefined })))
      app.set('env', 'test')
    })
    expect((await get('/plain')).body).toContain('req.session is already set')
  })
})

test.each<[string, (req: Request) => Request]>([
  ['an object that has the request as its prototype', (req) => Object.create(req) as Request],
  ['a proxy of the request', (req) => new Proxy(req, {})],
])('%s has its session, which cannot be replaced', async (_what, wrapped) => {
  const { app, get, answerErrors } = await serve()
  app.get('/own', (req) => {
    const wrapper = wrapped(req)
    wrapper.session.data.n = 3
    Object.assign(wrapper, { session: { n: req.session.data.n } })
  })
  answerErrors()
  expect((await get('/own')).body).toBe(
    'req.session cannot be replaced; assign req.session.data, or call req.session.logout()',
  )
})

test('a request that is printed does not use the session, and shows no secret', async () => {
  const { app, get } = await serve()
  let shown = ''
  app.get('/own', async (req, res) => {
    if (req.query['login']) await req.session.login('ann')
    shown = inspect(req, { depth: Infinity, showHidden: true })
    res.send('own')
  })
  expect((await get('/own')).headers['vary']).toBeUndefined()
  const { cookie } = await get('/own?login=1')
  expect(cookie).toMatch(/^sid=[\w-]{60}$/)
  const value = cookie.slice('sid='.length)
  for (let at = 0; at + 20 <= value.length; at += 20) expect(shown).not.toContain(value.slice(at, at + 20))
})
