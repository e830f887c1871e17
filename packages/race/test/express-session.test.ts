import express from 'express'
import session from 'express-session'
import { expect, test } from 'vitest'
import { race, type RaceName } from '../src/index.ts'
import { close, serve } from './fixture.ts'
import { Meeting } from './meeting.ts'

declare module 'express-session' {
  interface SessionData {
    user?: string
    data?: Record<string, string>
  }
}

// Typed here, and not through Express.Request: in this repository other packages type the same property.
type WithSession = { session: session.Session & Partial<session.SessionData> }
const own = (req: express.Request): WithSession['session'] => (req as unknown as WithSession).session

const TRIALS = 20

/**
 * An app on express-session as its documentation has it. The handlers of a race wait for each other, as any handler may
 * that waits for a database: when all of them have their session loaded, they go on.
 */
function app(current: () => RaceName | undefined): express.Express {
  const meetings = new Map<string, Meeting>()
  const meeting = ({ sessionID }: express.Request): Meeting => {
    const known = meetings.get(sessionID) ?? new Meeting()
    meetings.set(sessionID, known)
    return known
  }
  const known = (req: express.Request): boolean => own(req).data !== undefined || own(req).user !== undefined

  const routes = express()
  routes.use(express.urlencoded())
  routes.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false }))
  routes.get('/get', (req, res) => {
    res.json({ user: own(req).user, ...own(req).data })
  })
  routes.post('/set', async (req, res) => {
    const raced = known(req) ? current() : undefined
    const { key, value } = req.body as Record<string, string>
    own(req).data = { ...own(req).data, [key!]: value! }
    meeting(req).arrive('loaded')
    if (raced === 'writes') await meeting(req).wait('loaded', 2)
    if (raced === 'logout' || raced === 'login') await meeting(req).wait('over')
    res.json({})
  })
  routes.post('/login', async (req, res, next) => {
    const here = meeting(req)
    if (known(req) && current() === 'login') await here.wait('loaded', 2)
    own(req).regenerate((error: unknown) => {
      if (error) return next(error)
      here.arrive('over')
      own(req).user = (req.body as { user: string }).user
      res.json({})
    })
  })
  routes.post('/logout', async (req, res, next) => {
    const here = meeting(req)
    if (current() === 'logout') await here.wait('loaded')
    own(req).destroy((error: unknown) => {
      if (error) return next(error)
      here.arrive('over')
      res.json({})
    })
  })
  return routes
}

test('express-session loses writes, and its old sessions are alive again after logout and login', async () => {
  let current: RaceName | undefined
  const { server, url } = await serve(app(() => current))
  const result = await race({
    servers: [url],
    login: '/login user={user}',
    writes: ['/set key=a&value={value}', '/set key=b&value={value}'],
    read: '/get',
    logout: '/logout',
    trials: TRIALS,
    onProgress: (progress) => (current = progress.phase === 'race' ? progress.race : undefined),
  })
  await close(server)
  const found = Object.fromEntries(result.rows.map((row) => [row.check, [row.status, row.found]]))
  expect(found).toEqual({
    'write-lost': ['found', TRIALS],
    'alive-after-logout': ['found', TRIALS],
    'alive-after-login': ['found', TRIALS],
    'sign-in-lost': ['clean', 0],
    'lost-over-login': ['not run', 0],
    fixated: ['clean', 0],
    'made-up-adopted': ['clean', 0],
    'ended-adopted': ['clean', 0],
  })
  expect(result.baseline).toMatchObject({ cookies: ['connect.sid'], aliveAfterLogin: false, aliveAfterLogout: false })
})
