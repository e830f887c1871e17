import { setTimeout as delay } from 'node:timers/promises'
import { session } from '@sess/express'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import type { BlindSession, BlindSessions } from './blind-session.ts'
import { type DemoSessions, notesOf } from './data.ts'
import { Meetings } from './meetings.ts'

/** How long a handler is busy between load and save, in ms: about the time of a database query. */
const WORK_MS = 60

/** One of the two kinds of session in the race lab. Both have the same operations. */
interface Contestant {
  /** Loads the request's session. */
  readonly load: RequestHandler
  /** Starts a session, signed in as `user` or anonymous. Returns the value of its cookie. */
  start(req: Request, res: Response, user: string | undefined): Promise<string>
  /** Sets a value in the session and saves it. Returns the outcome that the library reports. */
  write(req: Request, key: string, value: string): Promise<string>
  login(req: Request, res: Response, user: string): Promise<void>
  logout(req: Request, res: Response): Promise<void>
  /** Returns the data of the request's session. */
  data(req: Request): Readonly<Record<string, string>>
  /** Whether a cookie of this value opens a session. */
  opens(cookieValue: string): Promise<boolean>
}

/** The routes of the race lab: @sess under `/ours`, and sessions that overwrite under `/blind`. */
export function raceLab(sessions: DemoSessions, blind: BlindSessions): Router {
  return express
    .Router()
    .use('/ours', routes(ours(sessions), '/lab/ours'))
    .use('/blind', routes(overwriting(blind), '/lab/blind'))
}

/**
 * The routes of one kind of session. They are the same for both kinds.
 *
 * For a race about one moment (a logout between load and save), writes that name a `race` wait after they have loaded the session, until the
 * other request of this race has finished. So the interleaving is the same each time, and for both kinds.
 */
function routes(contestant: Contestant, path: string): Router {
  const meetings = new Meetings()
  const copy = { httpOnly: true, sameSite: 'lax', secure: true, path } as const
  const router = express.Router()

  // A race starts without a session, so the session of the last race is not loaded.
  router.use('/start', (req, _res, next) => {
    delete req.headers.cookie
    next()
  })
  router.use(contestant.load)

  router.post('/start', async (req, res) => {
    const value = await contestant.start(req, res, text(req, 'user') || undefined)
    res.cookie('lab-copy', value, copy).json({})
  })

  router.post('/write', async (req, res) => {
    const from = performance.now()
    const race = text(req, 'race')
    await (race ? meetings.wait(race) : delay(WORK_MS))
    const status = await contestant.write(req, text(req, 'key'), text(req, 'value'))
    res.json({ status, from, to: performance.now() })
  })

  const rival =
    (act: (req: Request, res: Response) => Promise<void>): RequestHandler =>
    async (req, res) => {
      const race = text(req, 'race')
      const raced = await meetings.gathered(race, Number(text(req, 'after')))
      const from = performance.now()
      try {
        await act(req, res)
      } finally {
        meetings.release(race)
      }
      res.json({ raced, from, to: performance.now() })
    }
  router.post(
    '/login',
    rival((req, res) => contestant.login(req, res, text(req, 'user'))),
  )
  router.post(
    '/logout',
    rival((req, res) => contestant.logout(req, res)),
  )

  router.get('/stored', (req, res) => void res.json(contestant.data(req)))

  router.get('/copy', async (req, res) => {
    const value = /(?:^|; )lab-copy=([^;]*)/.exec(req.headers.cookie ?? '')?.[1]
    res.json({ opens: value !== undefined && (await contestant.opens(value)) })
  })

  router.use((_req, res) => void res.status(404).json({ error: 'There is no such part of a race.' }))
  return router
}

function ours(sessions: DemoSessions): Contestant {
  return {
    load: session(sessions, { cookie: { name: 'lab', path: '/lab/ours' } }),
    async start(req, _res, user) {
      req.session.data['note:begun'] = 'yes'
      const { cookieValue } = await (user === undefined ? req.session.commit() : req.session.login(user))
      return cookieValue!
    },
    async write(req, key, value) {
      req.session.data[`note:${key}`] = value
      return (await req.session.commit()).status
    },
    async login(req, _res, user) {
      await req.session.login(user)
    },
    logout: (req) => req.session.logout(),
    data: (req) => notesOf(req.session.data),
    opens: async (cookieValue) => (await sessions.load(cookieValue)).status === 'active',
  }
}

function overwriting(sessions: BlindSessions): Contestant {
  const cookie = { httpOnly: true, sameSite: 'lax', secure: true, path: '/lab/blind' } as const
  const loaded = new WeakMap<Request, BlindSession>()
  const own = (req: Request) => loaded.get(req)!
  const begin = (res: Response, data: Record<string, string>): BlindSession => {
    const begun = sessions.create(data)
    sessions.save(begun)
    res.cookie('lab', begun.id, cookie)
    return begun
  }
  return {
    load(req, _res, next) {
      const id = /(?:^|; )lab=([^;]*)/.exec(req.headers.cookie ?? '')?.[1]
      loaded.set(req, (id === undefined ? undefined : sessions.load(id)) ?? sessions.create())
      next()
    },
    async start(_req, res, user) {
      return begin(res, user === undefined ? { begun: 'yes' } : { begun: 'yes', user }).id
    },
    async write(req, key, value) {
      own(req).data[key] = value
      sessions.save(own(req))
      return 'saved'
    },
    // As Passport does on sign-in: regenerate, and keep the data.
    async login(req, res, user) {
      sessions.destroy(own(req))
      begin(res, { ...own(req).data, user })
    },
    async logout(req, res) {
      sessions.destroy(own(req))
      res.clearCookie('lab', cookie)
    },
    data: (req) => own(req).data,
    opens: async (cookieValue) => sessions.load(cookieValue) !== undefined,
  }
}

function text(req: Request, name: string): string {
  const value = (req.body as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'string' ? value.slice(0, 64) : ''
}
