import assert from 'node:assert/strict'
import type { Case } from '../../contract.ts'
import { clause, stored } from '../../case-parts/case.ts'

const sessions = clause('clock', 'sessions')

const MINUTE = 60_000

/** Cases on the life of a session, by core's clock. */
export const clockOfSessions: readonly Case[] = [
  sessions(
    'idle-slides',
    'Idle slides with use, absolute does not, and the earlier one ends the session.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time)
      const session = await all.load(undefined)
      const { cookieValue } = await session.login('ann', { idleTimeout: '10m', absoluteTimeout: '25m' })
      for (const [minutes, status] of [
        [9, 'active'],
        [18, 'active'],
        [24, 'active'],
        [25, 'new'],
      ] as const) {
        time.now = now + minutes * MINUTE
        const next = await all.load(cookieValue)
        assert.equal(next.status, status, `after ${minutes} minutes`)
        await next.commit()
      }
    },
  ),
  sessions(
    'idle-ends',
    'Without use a session ends at its idle timeout, and its writes then say gone.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time)
      const cookieValue = await stored(all)
      const late = await all.load(cookieValue)
      time.now = now + 30 * MINUTE
      late.data.a = 2
      assert.deepEqual(await late.commit(), { status: 'gone' })
      assert.equal((await all.load(cookieValue)).status, 'new')
    },
  ),
  sessions(
    'to-the-millisecond',
    'A session is there one resolution before its end, and gone at its end.',
    async ({ sessions: open, store, now }) => {
      const time = { now }
      const all = open(time)
      const cookieValue = await stored(all)
      const { expiresAt } = await all.load(cookieValue)
      time.now = expiresAt - store.traits.expiryResolutionMs
      assert.equal((await all.load(cookieValue)).status, 'active')
      time.now = expiresAt
      assert.equal((await all.load(cookieValue)).status, 'new')
    },
  ),
  sessions(
    'writes-slide',
    'A write moves the idle clock too, up to the absolute end, and never back.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time, undefined, { idleTimeout: '10m', absoluteTimeout: '15m' })
      const cookieValue = await stored(all)
      time.now = now + 4 * MINUTE
      const session = await all.load(cookieValue)
      session.data.n = 1
      await session.commit()
      assert.equal(session.expiresAt, now + 14 * MINUTE)
      time.now = now + 9 * MINUTE
      session.data.n = 2
      await session.commit()
      assert.equal(session.expiresAt, now + 15 * MINUTE)
      // The clock of another server, which is behind.
      time.now = now
      const other = await all.load(cookieValue)
      other.data.n = 3
      await other.commit()
      assert.equal((await all.load(cookieValue)).expiresAt, now + 15 * MINUTE)
    },
  ),
  sessions(
    'touch-is-throttled',
    'Reading moves the idle clock once a tenth of the idle timeout has gone, and not before.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time, undefined, { idleTimeout: '10m' })
      const cookieValue = await stored(all)
      const visit = async (minutes: number): Promise<string> => {
        time.now = now + minutes * MINUTE
        return (await (await all.load(cookieValue)).commit()).status
      }
      assert.deepEqual(
        [await visit(0.9), await visit(1), await visit(1.9), await visit(2)],
        ['unchanged', 'touched', 'unchanged', 'touched'],
      )
    },
  ),
  sessions(
    'own-lifetimes',
    'A login sets lifetimes for its session alone, and the next login sets them anew.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time)
      const session = await all.load(undefined)
      const short = (await session.login('ann', { idleTimeout: '1m', absoluteTimeout: '5m' })).cookieValue
      const usual = await stored(all, {}, 'ann')
      time.now = now + 2 * MINUTE
      assert.deepEqual([(await all.load(short)).status, (await all.load(usual)).status], ['new', 'active'])
      const again = await all.load(usual)
      const reset = (await again.login('ann', { idleTimeout: false, absoluteTimeout: '90m' })).cookieValue
      time.now = now + 91 * MINUTE
      assert.equal((await all.load(reset)).status, 'active')
      time.now = now + 92 * MINUTE
      assert.equal((await all.load(reset)).status, 'new')
    },
  ),
  sessions(
    'not-before',
    'Sessions that were created before notBefore have ended, in lists too and whatever their pepper; a time to come counts from then on.',
    async ({ sessions: open, store, now }) => {
      const time = { now }
      const before = open(time)
      const cookie = await stored(before, {}, 'ann')
      time.now = now + 1
      const notBefore = now + 1
      const after = open(time, store, { notBefore })
      const kept = await stored(before, {}, 'ann')
      assert.deepEqual([(await after.load(cookie)).status, (await after.load(kept)).status], ['new', 'active'])
      if (store.list) {
        const handles: string[] = []
        for await (const { handle } of after.listSubject('ann')) handles.push(handle)
        assert.deepEqual(handles, [kept.slice(0, 28)])
      }
      const other = open(time, store, { notBefore, pepper: 'another pepper of the kit' })
      assert.equal((await other.load(cookie)).status, 'new')
      await assert.rejects(other.load(kept), { code: 'configuration' })
      const soon = open(time, store, { notBefore: new Date(now + MINUTE) })
      assert.equal((await soon.load(kept)).status, 'active')
      time.now = now + MINUTE
      assert.deepEqual([(await soon.load(kept)).status, (await before.load(kept)).status], ['new', 'active'])
    },
  ),
  sessions(
    'fresh-sign-in',
    'A sign-in is fresh for as long as is asked, and a session without one never is.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const all = open(time)
      const anonymous = await all.load(await stored(all))
      assert.throws(() => anonymous.requireFresh('5m'), { code: 'not_fresh' })
      const cookieValue = await stored(all, {}, 'ann')
      time.now = now + 5 * MINUTE
      const session = await all.load(cookieValue)
      session.requireFresh('5m')
      time.now++
      assert.throws(() => session.requireFresh('5m'), { code: 'not_fresh' })
    },
  ),
]
