import assert from 'node:assert/strict'
import type { Session, Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import * as fc from 'fast-check'

/** The expected state of a session. */
interface Expected {
  n: number | undefined
  readonly subject: string | undefined
  expiresAt: number
  readonly absoluteAt: number
}

/** A superseded cookie value. */
interface Superseded {
  /** In ms since the epoch. */
  readonly supersededUntil: number
  /** True: the store may also have forgotten the cookie value. */
  readonly perhaps?: boolean
}

/** The sessions by their valid cookie value, and the superseded cookie values. */
export interface SessionsModel {
  readonly sessions: Map<string, Expected | Superseded>
  now: number
}

/** The sessions on trial, and every cookie value that was ever set. */
export interface SessionsReal {
  readonly all: Sessions
  readonly time: { now: number }
  readonly cookies: string[]
}

type Command = fc.AsyncCommand<SessionsModel, SessionsReal>

const IDLE_MS = 1_800_000
const ABSOLUTE_MS = 43_200_000
/** How long a superseded secret is known, in ms. */
const KNOWN_MS = 60_000
/** How many earlier secrets a record remembers. */
const MOST_SECRETS = 8

/** Looks a cookie value up in the model. */
function known(
  { sessions, now }: SessionsModel,
  cookie: string | undefined,
  status: Session['status'],
): Expected | 'superseded' | undefined {
  const found = cookie === undefined ? undefined : sessions.get(cookie)
  if (!found) return undefined
  if ('supersededUntil' in found)
    return now < found.supersededUntil && !(found.perhaps && status === 'new') ? 'superseded' : undefined
  return now < found.expiresAt ? found : undefined
}

/** Makes a request with a cookie or without: it compares the loaded session with the model, and then acts. */
function request(
  what: string,
  act: (
    session: Session,
    found: Expected | 'superseded' | undefined,
    model: SessionsModel,
    cookie: string,
  ) => Promise<string | undefined>,
): fc.Arbitrary<Command> {
  return fc.nat({ max: 7 }).map((which) => ({
    check: () => true,
    toString: () => `${what} with cookie ${which}`,
    async run(model, { all, time, cookies }) {
      time.now = model.now
      // It chooses among the last cookies. A number beyond the first cookie is a request without a cookie.
      const cookie = cookies[cookies.length - 1 - which]
      const session = await all.load(cookie)
      const found = known(model, cookie, session.status)
      assert.equal(session.status, found === undefined ? 'new' : found === 'superseded' ? found : 'active')
      const expected = typeof found === 'object' ? found : undefined
      assert.deepEqual([session.subject, session.data.n], [expected?.subject, expected?.n])
      const next = await act(session, found, model, cookie ?? '')
      if (next !== undefined) cookies.push(next)
    },
  }))
}

function slid({ absoluteAt, expiresAt }: Expected, now: number): number {
  return Math.max(expiresAt, Math.min(now + IDLE_MS, absoluteAt))
}

function fresh(now: number, n: number | undefined, subject?: string): Expected {
  return { n, subject, expiresAt: now + IDLE_MS, absoluteAt: now + ABSOLUTE_MS }
}

const visit = request('a visit', async (session, found, { now }) => {
  const { status } = await session.commit()
  if (status === 'touched' && typeof found === 'object') found.expiresAt = slid(found, now)
  return undefined
})

const save = request('an update', async (session, found, model) => {
  const outcome = await session.update((data) => void (data['n'] = Number(data['n'] ?? 0) + 1))
  if (found === 'superseded') assert.deepEqual(outcome, { status: 'superseded' })
  else if (found) {
    assert.deepEqual(outcome, { status: 'saved' })
    found.n = (found.n ?? 0) + 1
    found.expiresAt = slid(found, model.now)
  } else {
    assert.equal(outcome.status, 'created')
    model.sessions.set(outcome.cookieValue!, fresh(model.now, 1))
  }
  return outcome.cookieValue
})

const rotate = request('a rotation', async (session, found, model, cookie) => {
  const { status, cookieValue } = await session.regenerate()
  assert.equal(status, found === 'superseded' ? found : found ? 'saved' : 'unchanged')
  if (typeof found !== 'object') return undefined
  found.expiresAt = slid(found, model.now)
  model.sessions.set(cookieValue!, found)
  supersede(model, cookie, found)
  return cookieValue
})

/** Supersedes a cookie value. The secrets that its record knows stay known for another minute. */
function supersede(model: SessionsModel, cookie: string, { expiresAt }: { readonly expiresAt: number }): void {
  const supersededUntil = Math.min(model.now + KNOWN_MS, expiresAt)
  const of = [...model.sessions].filter(
    ([value, entry]) =>
      value.slice(0, 28) === cookie.slice(0, 28) &&
      (value === cookie || ('supersededUntil' in entry && model.now < entry.supersededUntil)),
  )
  for (const [value, entry] of of) if (!('perhaps' in entry)) model.sessions.set(value, { supersededUntil })
  for (const [value] of of.slice(0, -MOST_SECRETS)) model.sessions.delete(value)
}

/** Makes a record a marker, which supersedes all its secrets. Secrets whose time had passed are superseded if the record still has them. */
function mark(model: SessionsModel, cookie: string): void {
  const supersededUntil = model.now + KNOWN_MS
  for (const [value, entry] of model.sessions)
    if (value.slice(0, 28) === cookie.slice(0, 28) && 'supersededUntil' in entry && entry.supersededUntil <= model.now)
      model.sessions.set(value, { supersededUntil, perhaps: true })
  supersede(model, cookie, { expiresAt: supersededUntil })
}

const login = fc.constantFrom('ann', 'bob').chain((subject) =>
  request(`a login of ${subject}`, async (session, found, model, cookie) => {
    const { cookieValue } = await session.login(subject)
    assert.equal(session.subject, subject)
    const expected = typeof found === 'object' ? found : undefined
    const own = expected?.subject === undefined || expected.subject === subject
    // The example cases check the data of a login from a superseded secret.
    const n = found === 'superseded' ? (session.data.n as number | undefined) : own ? expected?.n : undefined
    assert.deepEqual(session.data.n, n)
    if (expected?.subject === subject) supersede(model, cookie, fresh(model.now, n))
    else if (expected) mark(model, cookie)
    model.sessions.set(cookieValue!, fresh(model.now, n, subject))
    return cookieValue
  }),
)

const logout = request('a logout', async (session, found, model, cookie) => {
  await session.logout()
  assert.equal(bindingOf(session).cookieChange?.action, typeof found === 'object' ? 'remove' : undefined)
  if (typeof found !== 'object') {
    // Under a superseded secret a logout ends the session, unless the secret is of a marker. Then no valid secret is left.
    if (found === 'superseded') await forget(model, cookie, true)
    return undefined
  }
  await forget(model, cookie, false)
  return undefined
})

/** Removes all entries under the key of a cookie value. @param onlyLive - True: only if a valid cookie value is among them. */
async function forget(model: SessionsModel, cookie: string, onlyLive: boolean): Promise<void> {
  const same = [...model.sessions].filter(([value]) => value.slice(0, 28) === cookie.slice(0, 28))
  if (onlyLive && !same.some(([, entry]) => !('supersededUntil' in entry))) return
  for (const [value] of same) model.sessions.delete(value)
}

const revoke = fc.constantFrom('ann', 'bob').map((subject): Command => ({
  check: () => true,
  toString: () => `a revocation of ${subject}`,
  async run(model, { all, cookies }) {
    for (const cookie of cookies) {
      const found = model.sessions.get(cookie)
      if (!found || 'supersededUntil' in found || found.subject !== subject || model.now >= found.expiresAt) continue
      assert.equal(await all.revoke(cookie.slice(0, 28), { subject }), true)
      await forget(model, cookie, false)
    }
  },
}))

const advance = fc.constantFrom(1, 59_999, 60_000, 180_000, 1_799_999, 1_800_000).map((ms): Command => ({
  check: () => true,
  toString: () => `${ms} ms go by`,
  run: async (model, { time }) => {
    time.now = model.now += ms
  },
}))

/** The commands of the model: the requests, and time. */
export const SESSION_CALLS: readonly fc.Arbitrary<Command>[] = [visit, save, rotate, login, logout, revoke, advance]
