import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { all, clause, counts, lists, sweeps } from './case.ts'

const store = clause('clock', 'store')
const sessions = clause('clock', 'sessions')

/** Core's clock decides what lives; the backend's is garbage collection. */
export const clock: readonly Case[] = [
  store(
    'readable-to-the-end',
    'A record is readable one resolution before its end, and gone at its end.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const { expiresAt } = record()
      await it.create(at, record(), now)
      assert.ok(await it.read(at, expiresAt - it.traits.expiryResolutionMs))
      assert.equal(await it.read(at, expiresAt), undefined)
    },
  ),
  store(
    'expired-is-missing',
    'An expired record that may still be there cannot be replaced, touched, or deleted as a live one.',
    async ({ store: it, key, record }) => {
      const at = key()
      const first = record()
      await it.create(at, first, first.expiresAt - 1000)
      const late = first.expiresAt
      assert.equal(await it.replace(at, { ...first, revision: 2, expiresAt: late + 60_000 }, first, late), 'missing')
      assert.equal(await it.touch(at, late + 60_000, first, late), 'missing')
      assert.equal(await it.read(at, late), undefined)
      assert.equal(await it.delete(at, late), false)
    },
  ),
  store(
    'create-over-expired',
    'A create in the place of an expired record succeeds, with nothing left of it.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ subject: 'ann', revision: 5 }), now)
      const late = now + 60_000
      assert.equal(await it.create(at, record({ expiresAt: late + 1000, payload: Buffer.from('new') }), late), true)
      const read = await it.read(at, late)
      assert.deepEqual([read?.revision, read?.subject, Buffer.from(read!.payload).toString()], [1, undefined, 'new'])
    },
  ),
  store(
    'touch-never-back',
    'A touch to an earlier time answers touched and changes nothing.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      assert.equal(await it.touch(at, now + 1000, record(), now), 'touched')
      assert.equal((await it.read(at, now))?.expiresAt, now + 60_000)
    },
  ),
  store(
    'touch-lengthens',
    'A touch lengthens the life: readable past the first end.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      await it.touch(at, now + 120_000, record(), now)
      assert.ok(await it.read(at, now + 119_000))
      assert.equal(await it.read(at, now + 120_000), undefined)
    },
  ),
  store(
    'replace-shortens',
    'A replace with an earlier expiry shortens the life.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      await it.replace(at, record({ revision: 2, expiresAt: now + 30_000 }), record(), now)
      assert.ok(await it.read(at, now + 29_000))
      assert.equal(await it.read(at, now + 30_000), undefined)
    },
  ),
  store('read-is-no-touch', 'Reading extends nothing.', async ({ store: it, key, record, now }) => {
    const at = key()
    await it.create(at, record(), now)
    await it.read(at, now + 59_000)
    assert.equal(await it.read(at, now + 60_000), undefined)
  }),
  store('short-life', 'A life of one second is not cut short.', async ({ store: it, key, record, now }) => {
    const at = key()
    await it.create(at, record({ expiresAt: now + 1000 }), now)
    assert.ok(await it.read(at, now + 1000 - it.traits.expiryResolutionMs))
    assert.equal(await it.read(at, now + 1000), undefined)
  }),
  store(
    'long-lives',
    'Lives past 30 days and past 2³¹ seconds are kept to the end.',
    async ({ store: it, key, record, now }) => {
      for (const life of [40 * 86_400_000, (2 ** 31 + 1000) * 1000]) {
        const at = key()
        const expiresAt = now + life
        await it.create(at, record({ expiresAt }), now)
        assert.equal((await it.read(at, now))?.expiresAt, expiresAt)
        assert.ok(await it.read(at, expiresAt - 1000))
        assert.equal(await it.read(at, expiresAt), undefined)
      }
    },
  ),
  store(
    'expired-not-listed',
    'An expired record is not listed.',
    async ({ store: it, key, record, now }) => {
      const [one, two] = [key(), key()]
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create({ ...two, tag: one.tag }, record({ subject: 'ann', expiresAt: now + 90_000 }), now)
      const found = await all(it.list!({ id: 'ann', tag: one.tag }, now + 60_000))
      assert.deepEqual(
        found.map(([at]) => at.id),
        [two.id],
      )
    },
    lists,
  ),
  store(
    'expired-not-counted',
    'An expired record is not counted.',
    async ({ store: it, key, record, now }) => {
      await it.create(key(), record(), now)
      await it.create(key(), record({ expiresAt: now + 90_000 }), now)
      assert.deepEqual([await it.count!(now), await it.count!(now + 60_000)], [2, 1])
    },
    counts,
  ),
  store(
    'sweep-takes-expired-alone',
    'A sweep removes expired records, up to its limit, and no live one; fewer than the limit means that none is left.',
    async ({ store: it, key, record, now }) => {
      const live = key()
      await it.create(live, record({ expiresAt: now + 90_000 }), now)
      for (let i = 0; i < 25; i++) await it.create(key(), record(), now)
      const late = now + 60_000
      assert.deepEqual(
        [
          await it.sweep!(now + 59_999, 10),
          await it.sweep!(late, 10),
          await it.sweep!(late, 10),
          await it.sweep!(late, 10),
          await it.sweep!(late, 10),
        ],
        [0, 10, 10, 5, 0],
      )
      assert.ok(await it.read(live, late))
    },
    sweeps,
  ),
  store(
    'sweep-spares-touched',
    'A record that was touched past its first end survives a sweep.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      await it.touch(at, now + 120_000, record(), now)
      assert.equal(await it.sweep!(now + 60_000, 10), 0)
      assert.ok(await it.read(at, now + 60_000))
    },
    sweeps,
  ),
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
        time.now = now + minutes * 60_000
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
      const session = await all.load(undefined)
      session.data.a = 1
      const { cookieValue } = await session.commit()
      const late = await all.load(cookieValue)
      time.now = now + 30 * 60_000
      late.data.a = 2
      assert.deepEqual(await late.commit(), { status: 'gone' })
      assert.equal((await all.load(cookieValue)).status, 'new')
    },
  ),
]
