import assert from 'node:assert/strict'
import type { Outcome, Session, Sessions, SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import { all, clause, lists, revokes, seen, stored } from '../../case-parts/case.ts'
import { inEveryOrder } from '../../case-parts/interleave.ts'

const sessions = clause('rotation-login', 'sessions')

const CART = { cart: ['book'] }

/** Runs a login as ann and another request on two servers, with their calls in every order. */
async function against<B>(
  { sessions: open, store, space, now }: CaseContext,
  other: (session: Session, it: Sessions) => Promise<B>,
  check: (results: { login: Outcome; b: B; cookie: string; it: Sessions }) => Promise<void>,
  { losing = false, subject }: { losing?: boolean; subject?: string } = {},
): Promise<void> {
  const client = await space.connect()
  const it = open()
  await inEveryOrder<readonly [Outcome, B]>({ stores: [store, client], losing }, async () => {
    const cookie = await stored(it, CART, subject)
    const on = (held: SessionStore): Sessions => open({ now }, held)
    return {
      act: [
        async (held) => (await on(held).load(cookie)).login('ann'),
        async (held) => {
          const sessions = on(held)
          return other(await sessions.load(cookie), sessions)
        },
      ],
      check: ([login, b]) => check({ login, b, cookie, it }),
    }
  })
}

/** Cases on a login and another request at once, with their calls in every order. */
export const loginRaces: readonly Case[] = [
  sessions(
    'login-twice',
    'Two logins at once from one session both end signed in, with the cart, whichever answer comes last.',
    (context) =>
      against(
        context,
        (session) => session.login('ann'),
        async ({ login, b, cookie, it }) => {
          for (const { cookieValue } of [login, b])
            assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', CART])
          assert.equal((await it.load(cookie)).status, 'superseded')
        },
      ),
  ),
  sessions(
    'login-twice-as-two',
    'Two logins at once as two subjects, from an anonymous session or from the session of one of them, end signed in as each.',
    async (context) => {
      for (const from of [{}, { subject: 'ann' }])
        await against(
          context,
          (session) => session.login('bob'),
          async ({ login, b, it }) => {
            assert.deepEqual((await seen(it, login.cookieValue))[1], 'ann')
            assert.deepEqual((await seen(it, b.cookieValue))[1], 'bob')
          },
          from,
        )
    },
  ),
  sessions(
    'login-again-twice',
    'Two logins at once of a subject that is signed in leave no earlier secret valid, and lock no user out.',
    (context) =>
      against(
        context,
        (session) => session.login('ann'),
        async ({ login, b, cookie, it }) => {
          for (const { cookieValue } of [login, b]) assert.ok(cookieValue !== undefined && cookieValue !== cookie)
          const [, subject, data] = await seen(it, login.cookieValue)
          const [, other] = await seen(it, b.cookieValue)
          assert.ok([subject, other].includes('ann'))
          if (subject) assert.deepEqual(data, CART)
          assert.notEqual((await it.load(cookie)).status, 'active')
        },
        { subject: 'ann' },
      ),
  ),
  sessions(
    'login-against-save',
    'A write that was acknowledged while a login goes on is in the new session; any other write answers that it was not applied.',
    (context) =>
      against(
        context,
        (session) => {
          session.data.saved = true
          return session.commit()
        },
        async ({ login, b, it }) => {
          const [status, subject, data] = await seen(it, login.cookieValue)
          assert.deepEqual([status, subject], ['active', 'ann'])
          assert.ok(['saved', 'superseded'].includes(b.status), b.status)
          assert.deepEqual(data, b.status === 'saved' ? { ...CART, saved: true } : CART)
        },
      ),
  ),
  sessions(
    'login-against-rotation',
    'A rotation and a login at once leave the cookie of before dead, and the login signed in.',
    (context) =>
      against(
        context,
        (session) => session.regenerate(),
        async ({ login, b, cookie, it }) => {
          assert.deepEqual((await seen(it, login.cookieValue)).slice(0, 2), ['active', 'ann'])
          assert.notEqual((await it.load(cookie)).status, 'active')
          if (b.cookieValue) assert.deepEqual(await seen(it, b.cookieValue), ['active', undefined, CART])
        },
      ),
  ),
  sessions(
    'login-against-logout',
    'A logout of the old session, at whatever point of a login, ends the old one alone.',
    (context) =>
      against(
        context,
        (session) => session.logout(),
        async ({ login, cookie, it }) => {
          assert.deepEqual((await seen(it, login.cookieValue)).slice(0, 2), ['active', 'ann'])
          assert.deepEqual((await seen(it, cookie))[1], undefined)
          assert.notEqual((await it.load(cookie)).status, 'active')
        },
      ),
  ),
  sessions(
    'logout-after-login',
    'A logout under the old value of a login does not end the new session, and revives nothing.',
    async ({ sessions: open }) => {
      const it = open()
      const cookie = await stored(it, CART)
      const late = await it.load(cookie)
      const { cookieValue } = await (await it.load(cookie)).login('ann')
      await late.logout()
      assert.deepEqual([(await it.load(cookieValue)).subject, (await it.load(cookie)).subject], ['ann', undefined])
      await (await it.load(cookieValue)).logout()
      assert.deepEqual([(await it.load(cookieValue)).status, (await it.load(cookie)).subject], ['new', undefined])
    },
  ),
  sessions(
    'login-with-lost-answer',
    'A login one of whose answers is lost, at whatever point, ends signed in with the cart, and the old value signs nobody in.',
    (context) =>
      against(
        context,
        async () => undefined,
        async ({ login, cookie, it }) => {
          assert.deepEqual(await seen(it, login.cookieValue), ['active', 'ann', CART])
          assert.equal((await it.load(cookie)).subject, undefined)
        },
        { losing: true },
      ),
  ),
  sessions(
    'revocation-against-login',
    'A revocation at whatever point of a login leaves each session there or gone, to its cookie and to the list alike.',
    (context) =>
      against(
        context,
        (_, it) => it.revokeSubject('ann').then(() => undefined),
        async ({ login, it }) => {
          const session = await it.load(login.cookieValue)
          if (it.listSubject && context.store.list) {
            const handles = (await all(it.listSubject('ann'))).map(({ handle }) => handle)
            assert.deepEqual(handles, session.handle === undefined ? [] : [session.handle])
          }
          await it.revokeSubject('ann')
          assert.equal((await it.load(login.cookieValue)).status, 'new')
        },
      ),
    revokes,
  ),
  sessions(
    'revoke-subject',
    'Revoking a subject ends its sessions everywhere, but the one that is spared; another subject’s live on.',
    async ({ sessions: open, space, now }) => {
      const [it, other] = [open(), open({ now }, await space.connect())]
      const cookies: string[] = []
      for (const subject of ['ann', 'ann', 'ann', 'bob']) cookies.push(await stored(it, {}, subject))
      const spared = await other.load(cookies[0])
      const count = await other.revokeSubject('ann', { except: spared })
      assert.ok(count === undefined || count === 2, `it says that ${count} went`)
      const statuses = await Promise.all(cookies.map(async (cookie) => (await it.load(cookie)).status))
      assert.deepEqual(statuses, ['active', 'new', 'new', 'active'])
    },
    revokes,
  ),
  sessions(
    'revoke-all-but-nothing',
    'A revocation that is to spare a session which is not there, or another subject’s, is refused and ends nothing.',
    async ({ sessions: open, space, now }) => {
      const [it, other] = [open(), open({ now }, await space.connect())]
      const [ann, bob, ended] = [await stored(it, {}, 'ann'), await stored(it, {}, 'bob'), await stored(it, {}, 'ann')]
      await (await other.load(ended)).logout()
      for (const except of [
        ended.slice(0, 28),
        bob.slice(0, 28),
        await it.load(ended),
        await it.load(undefined),
        await it.load(bob),
      ])
        await assert.rejects(it.revokeSubject('ann', { except }), { code: 'invalid_option' })
      assert.equal((await it.load(ann)).status, 'active')
      await it.revokeSubject('ann', { except: ann.slice(0, 28) })
      assert.equal((await it.load(ann)).status, 'active')
    },
    revokes,
  ),
  sessions(
    'revoke-one',
    'A handle from the list ends its session, and no session of another subject.',
    async ({ sessions: open }) => {
      const it = open()
      const [ann, bob] = [await stored(it, {}, 'ann'), await stored(it, {}, 'bob')]
      const [info] = await all(it.listSubject('ann'))
      assert.equal(info?.handle, ann.slice(0, 28))
      assert.equal(await it.revoke(info.handle, { subject: 'bob' }), false)
      assert.equal((await it.load(ann)).status, 'active')
      assert.deepEqual(
        [await it.revoke(info.handle, { subject: 'ann' }), await it.revoke(info.handle, { anySubject: true })],
        [true, false],
      )
      assert.deepEqual([(await it.load(ann)).status, (await it.load(bob)).status], ['new', 'active'])
    },
    lists,
  ),
]
