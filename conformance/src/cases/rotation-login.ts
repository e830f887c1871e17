import assert from 'node:assert/strict'
import type { Case, CaseContext } from '../contract.ts'
import { all, clause, lists, revokes } from './case.ts'

const sessions = clause('rotation-login', 'sessions')

/** A stored anonymous session, and its cookie value. */
async function anonymous({
  sessions: open,
}: CaseContext): Promise<{ all: ReturnType<CaseContext['sessions']>; cookie: string }> {
  const all = open()
  const session = await all.load(undefined)
  session.data.cart = ['book']
  return { all, cookie: (await session.commit()).cookieValue! }
}

/** New secrets, and what becomes of the old ones. */
export const rotationLogin: readonly Case[] = [
  sessions(
    'rotation',
    'A rotation gives a new secret to the same session; the old one is superseded and sets no cookie.',
    async (context) => {
      const { all: it, cookie } = await anonymous(context)
      const session = await it.load(cookie)
      const { cookieValue } = await session.regenerate()
      assert.equal(cookieValue!.slice(0, 28), cookie.slice(0, 28))
      assert.notEqual(cookieValue, cookie)
      assert.deepEqual((await it.load(cookieValue)).data, { cart: ['book'] })
      const old = await it.load(cookie)
      old.data.x = 1
      assert.deepEqual(
        [old.status, await old.commit(), old.cookieChange],
        ['superseded', { status: 'superseded' }, undefined],
      )
      assert.deepEqual((await it.load(cookieValue)).data, { cart: ['book'] })
    },
  ),
  sessions('parallel-rotations', 'Of two rotations at once, on two servers, one wins.', async (context) => {
    const { all: it, cookie } = await anonymous(context)
    const other = context.sessions({ now: context.now }, await context.space.connect())
    const outcomes = await Promise.all([(await it.load(cookie)).regenerate(), (await other.load(cookie)).regenerate()])
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['saved', 'superseded'])
    const won = outcomes.find(({ cookieValue }) => cookieValue !== undefined)!
    assert.equal((await other.load(won.cookieValue)).status, 'active')
  }),
  sessions(
    'keep-old-for',
    'With keepOldFor the old secret reads and writes inside its window alone, and never rotates.',
    async (context) => {
      const time = { now: context.now }
      const it = context.sessions(time)
      const first = await it.load(undefined)
      first.data.n = 0
      const { cookieValue: old } = await first.commit()
      await first.regenerate({ keepOldFor: '10s' })
      const kept = await it.load(old)
      kept.data.n = 1
      assert.deepEqual([await kept.commit(), (await kept.regenerate()).status], [{ status: 'saved' }, 'unchanged'])
      time.now += 10_000
      assert.equal((await it.load(old)).status, 'superseded')
      time.now += 60_000
      assert.equal((await it.load(old)).status, 'new')
    },
  ),
  sessions(
    'login',
    'A login gives a new key and a new secret; the data comes along; the old value is superseded, then unknown.',
    async (context) => {
      const time = { now: context.now }
      const it = context.sessions(time)
      const first = await it.load(undefined)
      first.data.cart = ['book']
      const { cookieValue: old } = await first.commit()
      const session = await it.load(old)
      session.data.more = 1
      const { cookieValue } = await session.login('ann')
      assert.notEqual(cookieValue!.slice(0, 28), old!.slice(0, 28))
      const signedIn = await it.load(cookieValue)
      assert.deepEqual([signedIn.subject, signedIn.data], ['ann', { cart: ['book'], more: 1 }])
      const replayed = await it.load(old)
      assert.deepEqual([replayed.status, replayed.subject, replayed.data], ['superseded', undefined, {}])
      time.now += 60_000
      assert.equal((await it.load(old)).status, 'new')
    },
  ),
  sessions(
    'login-twice',
    'Two logins at once from one session, on two servers, both end signed in with the data.',
    async (context) => {
      const { all: it, cookie } = await anonymous(context)
      const other = context.sessions({ now: context.now }, await context.space.connect())
      const outcomes = await Promise.all([
        (await it.load(cookie)).login('ann'),
        (await other.load(cookie)).login('ann'),
      ])
      for (const { cookieValue } of outcomes) {
        const session = await it.load(cookieValue)
        assert.deepEqual([session.subject, session.data], ['ann', { cart: ['book'] }])
      }
    },
  ),
  sessions('login-as-another', 'A login as another subject takes no data along.', async (context) => {
    const { all: it, cookie } = await anonymous(context)
    const { cookieValue } = await (await it.load(cookie)).login('ann')
    const next = await (await it.load(cookieValue)).login('bob')
    const session = await it.load(next.cookieValue)
    assert.deepEqual([session.subject, session.data], ['bob', {}])
    assert.equal((await it.load(cookieValue)).status, 'superseded')
  }),
  sessions(
    'login-again',
    'A login as the same subject keeps the session and gives it a new secret.',
    async (context) => {
      const { all: it, cookie } = await anonymous(context)
      const { cookieValue } = await (await it.load(cookie)).login('ann')
      const { status, cookieValue: next } = await (await it.load(cookieValue)).login('ann')
      assert.deepEqual([status, next!.slice(0, 28)], ['saved', cookieValue!.slice(0, 28)])
      assert.deepEqual(
        [(await it.load(cookieValue)).status, (await it.load(next)).data],
        ['superseded', { cart: ['book'] }],
      )
    },
  ),
  sessions(
    'logout-after-login',
    'A logout under the old value of a login does not end the new session, and revives nothing.',
    async (context) => {
      const { all: it, cookie } = await anonymous(context)
      const late = await it.load(cookie)
      const { cookieValue } = await (await it.load(cookie)).login('ann')
      await late.logout()
      assert.deepEqual([(await it.load(cookieValue)).subject, (await it.load(cookie)).subject], ['ann', undefined])
    },
  ),
  sessions(
    'markers-in-no-list',
    'What a login leaves behind is in no list.',
    async (context) => {
      const { all: it, cookie } = await anonymous(context)
      const { cookieValue } = await (await it.load(cookie)).login('ann')
      await (await it.load(cookieValue)).login('bob')
      assert.deepEqual(await all(it.listSubject('ann')), [])
      assert.equal((await all(it.listSubject('bob'))).length, 1)
    },
    lists,
  ),
  sessions(
    'revoke-subject',
    'Revoking a subject ends its sessions everywhere, but the one that is spared; another subject’s live on.',
    async (context) => {
      const it = context.sessions()
      const other = context.sessions({ now: context.now }, await context.space.connect())
      const cookies: string[] = []
      for (const subject of ['ann', 'ann', 'ann', 'bob'])
        cookies.push((await (await it.load(undefined)).login(subject)).cookieValue!)
      const spared = await other.load(cookies[0])
      const count = await other.revokeSubject('ann', { except: spared })
      assert.ok(count === undefined || count === 2, `it says that ${count} went`)
      const statuses = await Promise.all(cookies.map(async (cookie) => (await it.load(cookie)).status))
      assert.deepEqual(statuses, ['active', 'new', 'new', 'active'])
    },
    revokes,
  ),
]
