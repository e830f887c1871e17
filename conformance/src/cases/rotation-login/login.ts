import { bindingOf } from '@sess/core/binding'
import assert from 'node:assert/strict'
import type { Case } from '../../contract.ts'
import { all, clause, keyOf, lists, revokes, seen, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('rotation-login', 'sessions')

const CART = { cart: ['book'] }

/** Cases on a login, and on the session from which it was made. */
export const login: readonly Case[] = [
  sessions(
    'login',
    'A login gives a new key and a new secret, and takes the data along, pending changes included.',
    async ({ sessions: open }) => {
      const it = open()
      const old = await stored(it, CART)
      const session = await it.load(old)
      session.data.more = 1
      const { cookieValue } = await session.login('ann')
      assert.notEqual(cookieValue!.slice(0, 28), old.slice(0, 28))
      assert.notEqual(cookieValue!.slice(28), old.slice(28))
      assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', { ...CART, more: 1 }])
    },
  ),
  sessions(
    'marker',
    'The old value of a login is superseded, then unknown after a minute: nothing of it is signed in, saved, or led to the new session.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time)
      const old = await stored(it, CART)
      const { cookieValue } = await (await it.load(old)).login('ann')
      for (const [after, status] of [
        [0, 'superseded'],
        [59_999, 'superseded'],
        [60_000, 'new'],
      ] as const) {
        time.now = now + after
        const replayed = await it.load(old)
        replayed.data.stolen = true
        assert.deepEqual(
          [replayed.status, replayed.subject, replayed.handle, { ...replayed.data }],
          [status, undefined, undefined, { stolen: true }],
        )
        if (status === 'superseded') assert.deepEqual(await replayed.commit(), { status })
      }
      assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', CART])
    },
  ),
  sessions(
    'marker-is-inert',
    'A marker is moved by no use: neither a visit nor a write nor a logout lengthens it, ends it, or sets a cookie.',
    async ({ sessions: open, store, now }) => {
      const time = { now }
      const it = open(time)
      const old = await stored(it, CART)
      await (await it.load(old)).login('ann')
      const { expiresAt, revision } = (await store.read(keyOf(old), now, { fresh: true }))!
      for (const act of ['commit', 'regenerate', 'logout'] as const) {
        time.now += 15_000
        const session = await it.load(old)
        await session[act]()
        assert.equal(bindingOf(session).cookieChange, undefined)
        const marker = await store.read(keyOf(old), time.now, { fresh: true })
        assert.deepEqual([marker?.expiresAt, marker?.revision], [expiresAt, revision])
      }
      assert.ok(expiresAt <= now + 60_000)
    },
  ),
  sessions(
    'login-as-another',
    'A login as another subject takes no data along, not even pending changes.',
    async ({ sessions: open }) => {
      const it = open()
      const cookie = await stored(it, CART, 'ann')
      const session = await it.load(cookie)
      session.data.more = 1
      const { cookieValue } = await session.login('bob')
      assert.deepEqual(await seen(it, cookieValue), ['active', 'bob', {}])
      assert.equal((await it.load(cookie)).status, 'superseded')
    },
  ),
  sessions(
    'nothing-of-another-in-a-marker',
    'The record that a login as another subject leaves behind holds no data for a later login.',
    async ({ sessions: open, store, now }) => {
      const it = open()
      const cookie = await stored(it, { cart: ['a book of ann'] }, 'ann')
      const late = await it.load(cookie)
      await (await it.load(cookie)).login('bob')
      const marker = (await store.read(keyOf(cookie), now, { fresh: true }))!
      assert.ok(!Buffer.from(marker.payload).includes('a book of ann'))
      const { cookieValue } = await (await it.load(cookie)).login('ann')
      assert.deepEqual((await seen(it, cookieValue))[2], {})
      late.data.more = 1
      assert.deepEqual(await late.commit(), { status: 'superseded' })
    },
  ),
  sessions(
    'login-again',
    'A login as the same subject keeps the session, gives it a new secret, and starts its clocks anew.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time, undefined, { idleTimeout: '10m', absoluteTimeout: '15m' })
      const cookie = await stored(it, CART, 'ann')
      time.now += 9 * 60_000
      const { status, cookieValue: next } = await (await it.load(cookie)).login('ann')
      assert.deepEqual([status, next!.slice(0, 28)], ['saved', cookie.slice(0, 28)])
      assert.deepEqual([(await it.load(cookie)).status, (await seen(it, next))[2]], ['superseded', CART])
      assert.equal((await it.load(next)).authenticatedAt, time.now)
      time.now += 9 * 60_000
      assert.equal((await it.load(next)).status, 'active')
    },
  ),
  sessions(
    'login-after-lost-response',
    'A login that is sent again under the old value, since its response was lost, ends signed in, with the data.',
    async ({ sessions: open }) => {
      const it = open()
      const old = await stored(it, CART)
      const session = await it.load(old)
      session.data.own = 1
      await session.login('ann')
      const { cookieValue } = await (await it.load(old)).login('ann')
      assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', CART])
    },
  ),
  sessions(
    'login-under-superseded',
    'A login under a secret that was rotated away before takes nothing from a marker.',
    async ({ sessions: open }) => {
      const it = open()
      const first = await stored(it, CART)
      const second = (await (await it.load(first)).regenerate()).cookieValue
      await (await it.load(second)).login('ann')
      const { cookieValue } = await (await it.load(first)).login('ann')
      assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', {}])
    },
  ),
  sessions(
    'pepper-in-turn',
    'While a pepper is rotated, one server after the other, everybody stays signed in, and a revocation ends the sessions of both.',
    async ({ sessions: open, store, now }) => {
      const [first, next] = ['the pepper of last year', 'the pepper of this year']
      const old = store.traits.needsPepper ? first : false
      const at = (...pepper: (string | false)[]) => open({ now }, store, { pepper })
      // The peppers of the servers that run at the same time, in the order of a rolling deploy.
      const steps = [[at(old)], [at(old), at(old, next)], [at(old, next), at(next, old)]] as const
      const cookies: string[] = []
      for (const servers of steps)
        for (const it of servers) {
          cookies.push(await stored(it, CART, 'ann'))
          for (const other of servers)
            for (const cookie of cookies) assert.equal((await other.load(cookie)).subject, 'ann')
        }
      const [last, before] = [at(next), at(next, old)]
      await assert.rejects(last.load(cookies[0]), { code: 'configuration' })
      assert.equal((await last.load(cookies.at(-1))).subject, 'ann')
      // A re-authentication moves the session under the newest pepper, with its data.
      const [session, parallel] = [await before.load(cookies[0]), await before.load(cookies[0])]
      session.data.n = 1
      const { cookieValue } = await session.login('ann')
      assert.notEqual(cookieValue!.slice(0, 12), cookies[0]!.slice(0, 12))
      assert.deepEqual(await seen(last, cookieValue), ['active', 'ann', { ...CART, n: 1 }])
      assert.equal((await before.load(cookies[0])).status, 'superseded')
      const another = (await parallel.login('ann')).cookieValue
      assert.deepEqual(await seen(last, another), ['active', 'ann', CART])
      if (!store.deleteSubject) return
      await before.revokeSubject('ann')
      for (const cookie of [...cookies, cookieValue, another])
        assert.notEqual((await before.load(cookie)).status, 'active')
    },
  ),
  sessions(
    'marker-and-clocks',
    'A marker says itself which secrets were valid when it was made: a login by a clock that is ahead or behind takes its data under those alone.',
    async ({ sessions: open, now }) => {
      for (const [window, takes] of [
        ['20s', CART],
        ['5s', {}],
      ] as const) {
        const time = { now }
        const it = open(time)
        const old = await stored(it, CART)
        const { cookieValue } = await (await it.load(old)).regenerate({ keepOldFor: window })
        time.now = now + 10_000
        await (await it.load(cookieValue)).login('ann')
        for (const moment of [now, now + 30_000]) {
          time.now = moment
          const next = await (await it.load(old)).login('ann')
          assert.deepEqual(await seen(it, next.cookieValue), ['active', 'ann', takes], `${moment - now} ms, ${window}`)
        }
      }
    },
  ),
  sessions(
    'crash-in-login',
    'A server that dies after the new record of a login, and before the marker, leaves the old session as it was, signed in nowhere.',
    async ({ sessions: open, store, now }) => {
      const dying = watched(store, (method) => {
        if (method === 'replace') throw new Error('the process died')
      })
      const [it, dead] = [open(), open({ now }, dying)]
      const old = await stored(it, CART)
      assert.equal((await (await dead.load(old)).login('ann')).status, 'created')
      assert.deepEqual(await seen(it, old), ['active', undefined, CART])
      const { cookieValue } = await (await it.load(old)).login('ann')
      assert.deepEqual(await seen(it, cookieValue), ['active', 'ann', CART])
    },
  ),
  sessions(
    'markers-in-no-list',
    'The record that a login leaves behind is in no list.',
    async ({ sessions: open }) => {
      const it = open()
      const cookie = await stored(it, CART, 'ann')
      await (await it.load(cookie)).login('bob')
      assert.deepEqual(await all(it.listSubject('ann')), [])
      assert.equal((await all(it.listSubject('bob'))).length, 1)
    },
    lists,
  ),
  sessions(
    'login-after-revocation',
    'A login after a revocation of its subject lives, and the revoked sessions stay dead.',
    async ({ sessions: open, space, now }) => {
      const [it, other] = [open(), open({ now }, await space.connect())]
      const old = await stored(it, CART, 'ann')
      await other.revokeSubject('ann')
      const next = await stored(it, CART, 'ann')
      assert.deepEqual([(await other.load(old)).status, (await other.load(next)).status], ['new', 'active'])
    },
    revokes,
  ),
]
