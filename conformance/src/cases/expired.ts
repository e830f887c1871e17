import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { clause, counts, listed, lists, revokes, sweeps, textOf } from './case.ts'

const store = clause('clock', 'store')

/** What has expired is missing to every method, whether its bytes are still there or were swept. */
export const expired: readonly Case[] = [
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
      assert.deepEqual([read?.revision, read?.subject, textOf(read)], [1, undefined, 'new'])
    },
  ),
  store(
    'expired-not-listed',
    'An expired record is not listed.',
    async ({ store: it, key, record, now }) => {
      const [one, two] = [key(), key()]
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create({ ...two, tag: one.tag }, record({ subject: 'ann', expiresAt: now + 90_000 }), now)
      assert.deepEqual(await listed(it, { id: 'ann', tag: one.tag }, now + 60_000), [two.id])
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
    'expired-not-revoked',
    'An expired record is not among those that a revocation says went.',
    async ({ store: it, key, record, now }) => {
      const one = key()
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create(key(one.tag), record({ subject: 'ann', expiresAt: now + 90_000 }), now)
      assert.ok([1, undefined].includes(await it.deleteSubject!({ id: 'ann', tag: one.tag }, now + 60_000)))
    },
    revokes,
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
]
