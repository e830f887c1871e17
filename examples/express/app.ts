import { DatabaseSync } from 'node:sqlite'
import express from 'express'
import { createSessions } from '@sess/core'
import { session } from '@sess/express'
import { sqliteStore } from '@sess/sqlite'

const sessions = createSessions<{ cart: string[] }>({
  store: sqliteStore(new DatabaseSync(process.env['SESS_DB'] ?? 'sessions.db')),
  idleTimeout: '30m', // slides with use
  absoluteTimeout: '12h', // never slides
})
declare module '@sess/express' {
  interface Register {
    sessions: typeof sessions // types req.session
  }
}
sessions.on('error', ({ code, operation, error }) => console.error('sessions:', operation, code, error))
sessions.on('rejected', ({ reason, handle }) => console.warn('session rejected:', reason, handle))

const app = express()
app.set('trust proxy', 1) // behind one proxy that ends TLS
app.use(express.urlencoded())
app.use(session(sessions))

app.get('/', (req, res) => {
  const [notice] = req.session.flashed('notice')
  res.json({ user: req.session.subject, cart: req.session.data.cart ?? [], notice })
})
app.post('/cart', async (req, res) => {
  const { item } = req.body as { item: string }
  await req.session.update((data) => void (data.cart ??= []).push(item)) // atomic
  res.redirect('/')
})
app.post('/login', async (req, res) => {
  const userId = checkPassword(req.body as { name?: string; password?: string })
  if (userId === undefined) return void res.status(401).send('Wrong name or password')
  await req.session.login(userId, { label: req.get('user-agent')?.slice(0, 100) ?? 'unknown' }) // new secret; the cart comes along
  res.redirect('/')
})
app.get('/devices', async (req, res) => {
  const { subject } = req.session
  const devices: object[] = []
  if (subject !== undefined) for await (const device of sessions.listSubject(subject)) devices.push(device)
  res.json(devices)
})
app.post('/devices/:handle/sign-out', async (req, res) => {
  const { subject } = req.session
  if (subject !== undefined) await sessions.revoke(req.params.handle, { subject }) // only if it is theirs
  res.redirect('/devices')
})
app.post('/logout-everywhere-else', async (req, res) => {
  req.session.requireFresh('15m')
  if (req.session.subject) await sessions.revokeSubject(req.session.subject, { except: req.session })
  res.redirect('/devices')
})
app.post('/logout', async (req, res) => {
  await req.session.logout()
  req.session.flash('notice', 'Signed out')
  res.redirect('/')
})

const server = app.listen(Number(process.env['PORT'] ?? 3000), () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`http://localhost:${address.port}`)
})

/** Yours: against stored password hashes. */
function checkPassword({ name, password }: { name?: string; password?: string }): string | undefined {
  return name === 'ann' && password === 'secret' ? 'user-1' : undefined
}
