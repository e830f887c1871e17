import assert from 'node:assert/strict'
import type { Session, Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import * as fc from 'fast-check'

/** A session, as it must be. */
interface Expected {
  n: number | undefined
  readonly subject: string | undefined
  expiresAt: number
  readonly absoluteAt: number
}

/** A cookie value that is superseded for so long; `perhaps`: or else unknown. */
interface Superseded {
  readonly supersededUntil: number
  readonly perhaps?: boolean
}

/** The sessions by their valid cookie value, and how long others are superseded. */
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

const IDLE = 1_800_000
const ABSOLUTE = 43_200_000
const KNOWN_FOR = 60_000
/** So many earlier secrets a record remembers. */
const MEMORY = 8

/** What the model knows under a cookie value, now. */
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

/** A request with some cookie, or none: what it finds is compared, and then it does something. */
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
      // The last that were set are the likeliest; none among them is a request without a cookie.
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
  return Math.max(expiresAt, Math.min(now + IDLE, absoluteAt))
}

function fresh(now: number, n: number | undefined, subject?: string): Expected {
  return { n, subject, expiresAt: now + IDLE, absoluteAt: now + ABSOLUTE }
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

/** The secrets that were known are so for a minute more: one record holds them. */
function supersede(model: SessionsModel, cookie: string, { expiresAt }: { readonly expiresAt: number }): void {
  const supersededUntil = Math.min(model.now + KNOWN_FOR, expiresAt)
  const of = [...model.sessions].filter(
    ([value, entry]) =>
      value.slice(0, 28) === cookie.slice(0, 28) &&
      (value === cookie || ('supersededUntil' in entry && model.now < entry.supersededUntil)),
  )
  for (const [value, entry] of of) if (!('perhaps' in entry)) model.sessions.set(value, { supersededUntil })
  for (const [value] of of.slice(0, -MEMORY)) model.sessions.delete(value)
}

/** All secrets of a marker are superseded: of those whose time had passed, as many as the record still remembers. */
function mark(model: SessionsModel, cookie: string): void {
  const supersededUntil = model.now + KNOWN_FOR
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
    // From a secret that was rotated away, what comes along is told by the example cases.
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
    // Under a superseded secret a logout ends the session, unless it is a marker's: that is told by what is left.
    if (found === 'superseded') await forget(model, cookie, true)
    return undefined
  }
  await forget(model, cookie, false)
  return undefined
})

/** Takes out what lies under a cookie value's key; under a superseded secret only where a valid one is left there. */
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

/** What requests do. */
export const SESSION_CALLS: readonly fc.Arbitrary<Command>[] = [visit, save, rotate, login, logout, revoke, advance]
