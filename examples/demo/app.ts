import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { createSessions, type SessionInfo, type SessionStore } from '@sess/core'
import { session } from '@sess/express'
import { sqliteStore } from '@sess/sqlite'
import express, { type Express, type Request, type Response } from 'express'
import { done, notFound, onError, refuse, signedInOnly, wantsJson, written } from './answers.ts'
import { BlindSessions } from './blind-session.ts'
import { NOTES, THINGS } from './cards.ts'
import { type DemoData, type DemoSessions, notesOf } from './data.ts'
import { deviceOf } from './device.ts'
import type { Html } from './html.ts'
import { ENDED, type Frame } from './layout.ts'
import { dashboardPage, devicesPage, labPage, signInPage, welcomePage } from './pages.ts'
import { raceLab } from './race-lab.ts'
import { sameOriginOnly } from './same-origin.ts'

/** Options of {@link createApp}. */
export interface AppOptions {
  /** The SQLite file, which is created if it does not exist. Several processes may share a file. */
  readonly file: string
  /** Wraps the store, to count or log its calls. */
  readonly wrapStore?: (store: SessionStore) => SessionStore
  /** The time in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number
}

/** The demo: the app to serve, and its maintenance. */
export interface Demo {
  readonly app: Express
  /** Removes expired sessions of the blind kind. @sess removes its own. */
  sweep(): void
  /** Ends all open streams, so that the server can stop. */
  endStreams(): void
  /** Closes the file. */
  close(): Promise<void>
}

const PASSWORD = 'demo'
/** How long a request may ask to be busy between load and save, in ms. */
const MOST_BUSY_MS = 1_000
const NOTE_LIMITS = `A note has a title of 1 to ${NOTES.title} characters and a text of up to ${NOTES.text}.`
/** The pages to which a sign-in may redirect. A fixed list, so that a link cannot redirect to another site. */
const DESTINATIONS: ReadonlySet<string> = new Set(['/', '/devices', '/lab'])
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * Makes the demo on a SQLite file.
 *
 * @throws The error of SQLite, with the `code` `ERR_SQLITE_ERROR`, if the file cannot be used.
 */
export function createApp({ file, wrapStore = (store) => store, clock = Date.now }: AppOptions): Demo {
  const database = new DatabaseSync(file)
  const store = wrapStore(sqliteStore(database))
  const sessions: DemoSessions = createSessions<DemoData>({ store, clock })
  // The race lab has its own sessions, so that no race changes the visitor's sign-in.
  const labStore = sqliteStore(database, { table: 'lab_sessions' })
  const labSessions = createSessions<DemoData>({
    store: labStore,
    idleTimeout: '5m',
    absoluteTimeout: '5m',
    log: false,
  })
  const blind = new BlindSessions(file)

  const app = express()
  app.disable('x-powered-by')
  app.use((_req, res, next) => {
    res.set({
      'Content-Security-Policy': POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'same-origin',
    })
    next()
  })
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url)), { index: false }))
  app.use(sameOriginOnly, express.urlencoded({ extended: false, limit: '10kb' }))
  app.use('/lab', raceLab(labSessions, blind))
  app.use(session(sessions))

  // A form that is sent from a device that was signed out from afar begins a new session, on whose page the old cookie is gone.
  app.post(['/basket', '/notes'], (req, res, next) => {
    if (hasEnded(req) && !wantsJson(req)) {
      req.session.flash('notice', ENDED)
      res.locals['told'] = true
    }
    next()
  })
  // Messages are shown at the top of the page.
  const placeOf = (res: Response, name: string): string => (res.locals['told'] === true ? '/' : `/#${name}`)

  const show = (req: Request, res: Response, draw: (frame: Frame) => Html): void => {
    const notices = req.session.flashed('notice')
    const frame: Frame = { path: req.path, session: req.session, notices, ended: hasEnded(req), now: clock() }
    res.type('html').send(String(draw(frame)))
  }

  app.get('/', (req, res) => show(req, res, req.session.subject === undefined ? welcomePage : dashboardPage))
  app.get('/lab', (req, res) => show(req, res, labPage))

  app.get('/login', (req, res) => {
    const next = destination(req.query['next'])
    show(req, res, (frame) => signInPage(frame, { next }))
  })

  app.post('/login', async (req, res) => {
    const user = field(req, 'user').trim()
    const next = destination(field(req, 'next'))
    const error =
      user.length === 0 || user.length > 64
        ? 'Please give a name of 1 to 64 characters.'
        : field(req, 'password') !== PASSWORD
          ? 'That is not the password. It is demo.'
          : undefined
    if (error !== undefined) {
      if (wantsJson(req)) return void res.status(401).json({ error })
      res.status(401)
      return show(req, res, (frame) => signInPage(frame, { error, user, next }))
    }
    // Left before login(), so that it is stored with the sign-in and costs nothing.
    if (!wantsJson(req)) req.session.flash('notice', `Welcome, ${user}.`)
    const { label, ...client } = deviceOf(req.get('user-agent'))
    await req.session.login(user, { label, client, persistent: field(req, 'remember') === 'on' })
    done(req, res, next, { subject: user })
  })

  app.post('/logout', async (req, res) => {
    await req.session.logout()
    if (!wantsJson(req)) req.session.flash('notice', 'You are signed out. See you soon.')
    done(req, res, '/', { subject: null })
  })

  app.post('/basket', async (req, res) => {
    const item = field(req, 'item')
    if (item !== '' && !THINGS.includes(item)) return refuse(req, res, 400, 'Not added', `The shop has no ${item}.`)
    // The same key in every request: a read-modify-write, so that two clicks at once count as two.
    const { status } = await req.session.update((data) => {
      if (item === '') delete data.basket
      else data.basket = { ...data.basket, [item]: Math.min(99, (data.basket?.[item] ?? 0) + 1) }
    })
    written(req, res, placeOf(res, 'basket'), status)
  })

  app.post('/notes', async (req, res) => {
    const title = field(req, 'key').trim()
    const text = field(req, 'value').trim()
    if (title === '' || title.length > NOTES.title || text.length > NOTES.text)
      return refuse(req, res, 400, 'Not saved', NOTE_LIMITS)
    const { data } = req.session
    const notes = notesOf(data)
    if (text !== '' && !Object.hasOwn(notes, title) && Object.keys(notes).length >= NOTES.count)
      return refuse(req, res, 400, 'Not saved', `A session keeps up to ${NOTES.count} notes. Remove one first.`)
    if (text === '') delete data[`note:${title}`]
    else data[`note:${title}`] = text
    await delay(Math.min(MOST_BUSY_MS, Number(field(req, 'busy')) || 0))
    const { status } = await req.session.commit()
    written(req, res, placeOf(res, 'notes'), status)
  })

  app.post('/administrator', async (req, res) => {
    const on = field(req, 'mode') === 'on'
    if (on) req.session.requireFresh('5m')
    if (on) req.session.data.administrator = true
    else delete req.session.data.administrator
    req.session.flash('notice', `Administrator mode is ${on ? 'on' : 'off'}, and your cookie has a new secret.`)
    const { status } = await req.session.regenerate()
    written(req, res, '/', status)
  })

  app.get('/me', (req, res) => {
    const { subject = null, handle = null, data } = req.session
    res.json({
      subject,
      handle,
      administrator: data.administrator === true,
      basket: data.basket ?? {},
      notes: notesOf(data),
    })
  })

  app.use('/devices', signedInOnly)
  app.get('/devices', async (req, res) => {
    const devices: SessionInfo[] = []
    for await (const device of sessions.listSubject(req.session.subject!)) devices.push(device)
    devices.sort(
      (a, b) =>
        Number(b.handle === req.session.handle) - Number(a.handle === req.session.handle) ||
        (b.lastSeenAt ?? 0) - (a.lastSeenAt ?? 0),
    )
    if (wantsJson(req)) return void res.json(devices)
    show(req, res, (frame) => devicesPage(frame, devices))
  })

  // For as long as the page of devices is open. A status other than 200 would keep the browser from asking again.
  const stopping = new AbortController()
  app.get('/devices/signed-out', (req, res) => {
    const closed = new AbortController()
    res.on('close', () => closed.abort())
    const gone = sessions.signal(req.session, { recheckEvery: '5s', until: closed.signal })
    res.type('text/event-stream').set('X-Accel-Buffering', 'no').flushHeaders()
    stopping.signal.addEventListener('abort', () => res.end(), { signal: closed.signal })
    const tell = (): void => void res.end(`event: signed-out\ndata: ${String(gone.reason)}\n\n`)
    if (gone.aborted) tell()
    else gone.addEventListener('abort', tell, { once: true })
  })

  app.post('/devices/revoke', async (req, res) => {
    const revoked = await sessions.revoke(field(req, 'handle'), { subject: req.session.subject! })
    req.session.flash('notice', revoked ? 'That device is signed out.' : 'That device was signed out already.')
    done(req, res, '/devices', { revoked })
  })

  app.post('/devices/sign-out-others', async (req, res) => {
    const revoked = await sessions.revokeSubject(req.session.subject!, { except: req.session })
    req.session.flash(
      'notice',
      `You are signed out everywhere else: ${revoked === 1 ? 'one device' : `${revoked} devices`}.`,
    )
    done(req, res, '/devices', { revoked })
  })

  app.use(notFound)
  app.use(onError)

  return {
    app,
    sweep: () => blind.sweep(),
    endStreams: () => stopping.abort(),
    async close() {
      await Promise.all([sessions.close(), labSessions.close()])
      blind.close()
      database.close()
    },
  }
}

/** Whether the browser has a session's cookie that opens nothing: it was ended, here or on another device, or has expired. */
function hasEnded(req: Request): boolean {
  return req.session.status === 'new' && /(?:^|; )__Host-sid=/.test(req.headers.cookie ?? '')
}

function destination(wanted: unknown): string {
  return typeof wanted === 'string' && DESTINATIONS.has(wanted) ? wanted : '/'
}

function field(req: Request, name: string): string {
  const value = (req.body as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'string' ? value : ''
}
